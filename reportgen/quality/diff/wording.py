"""One change, one sentence: the numbers in it differ as much as the values do."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple

from reportgen.quality.diff.records import (
    Changes,
    CommitChange,
    ConfigurationChange,
    DatasetChange,
    InputChange,
    MetricChange,
    SectionChange,
    VerdictChange,
)
from reportgen.quality.quantities import (
    before_and_after,
    has_ratio,
    quantity,
    signed_percent,
    symbol,
    times,
)
from reportgen.record import ChangeRecord, Status
from reportgen.wording import bytes_text, count, listed, number

_SHORT_COMMIT = 10
_ROUNDED = 0.02  # a smaller part of a size is lost in its three digits


class Ranked(NamedTuple):
    """A sentence with what puts it in its place. size: the largest comes first."""

    kind: str
    sentence: ChangeRecord
    size: float = 0.0


def describe_section(change: SectionChange) -> Ranked:
    """Return a sentence on a section that came, went, broke or was mended."""
    why = because(change.message)
    statuses: dict[str, Status] = {
        "error": "error",
        "still_in_error": "error",
        "recovered": "ok",
    }
    text = {
        "error": f"the section could not be computed{why}",
        "still_in_error": f"the section still cannot be computed{why}",
        "gone": "the section is gone.",
        "recovered": "the section could be computed again.",
        "new": "a new section.",
    }[change.kind]
    sentence = ChangeRecord(
        text=f"{change.title}: {text}", status=statuses.get(change.kind), section=change.section
    )
    return Ranked(f"section {change.kind}", sentence)


_ENDED = {
    "ok": "was ok",
    "warn": "had a warning",
    "fail": "failed",
    "error": "could not be made",
    None: "was not checked",
}
_NOW = {"warn": "has a warning", "fail": "failed", "error": "could not be checked"}
_STILL = {"warn": "still has a warning", "fail": "still fails", "error": "still is not checked"}


def describe_verdict(change: VerdictChange) -> Ranked:
    """Return a sentence on how a check ended, and how it did before."""
    before, after = change.before, change.after
    now, still = _NOW.get(after or "", ""), _STILL.get(after or "", "")
    earlier = f"it {'was waived' if change.waived_before else _ENDED[before]} before"
    text = {
        "new": f"{now}; {earlier}.",
        "worse": f"{now}; {earlier}.",
        "still": f"{still}.",
        "better": f"{now}; {earlier}.",
        "waived": f"does not hold, which is waived; {earlier}.",
        "unchecked": f"is not checked any more; {earlier}.",
        "recovered": f"is ok again; {earlier}.",
    }[change.kind]
    told = f" {ended(change.message)}" if change.message and change.kind != "recovered" else ""
    status: Status | None = None if change.kind in {"unchecked", "waived"} else after
    severity = "" if change.kind != "new" else " warn" if after == "warn" else " fail"
    label = f"“{change.label}”" if change.is_check else change.label
    sentence = ChangeRecord(
        text=f"{change.title}: {label} {text}{told}", status=status, section=change.section
    )
    return Ranked(f"verdict {change.kind}{severity}", sentence)


def describe_metric(change: MetricChange) -> Ranked:
    """Return a sentence on what became of a metric."""
    before, after, label = change.before, change.after, change.label
    if before is not None and after is not None and change.kind in {"moved", "differs", "within"}:
        text = _movement(change, before, after)
    elif change.kind == "missing":
        text = f"no value for {label}{_known(before, change.unit_before, change, ' before')}."
    elif change.kind == "available":
        text = f"{label} has a value, and had none before{_known(after, change.unit, change)}."
    elif change.kind == "unit":
        text = _other_unit(change)
    elif change.kind == "gone":
        known = _known(before, change.unit_before, change, " before")
        text = f"the metric “{label}” is gone{known}."
    else:
        text = f"a new metric, “{label}”{_known(after, change.unit, change)}."
    sentence = ChangeRecord(text=f"{change.title}: {text}", section=change.section)
    return Ranked(f"metric {change.kind}", sentence, _size(change))


def _movement(change: MetricChange, before: float, after: float) -> str:
    one, other = before_and_after(before, after, change.unit, change.digits)
    percentage = ""
    if change.relative is not None and abs(change.relative) < 10 and has_ratio(change.unit):
        percentage = f" ({signed_percent(change.relative)})"
    if change.kind == "differs":
        return f"{change.label} differs: {other} after {one}{percentage}."
    rose = "rose" if after > before else "fell"
    said = f"{change.label} {rose} from {one} to {other}{percentage}"
    if change.times is not None:
        return f"{said}, {times(change.times)} the usual scatter."
    if change.noise == 0:
        return f"{said}, after nights on which it hardly changed."
    return f"{said}, far beyond the usual scatter."


def _other_unit(change: MetricChange) -> str:
    units = [symbol(unit) or "none" for unit in (change.unit_before, change.unit)]
    values = [
        "no value" if value is None else quantity(value, unit, change.digits)
        for value, unit in ((change.before, change.unit_before), (change.after, change.unit))
    ]
    return (
        f"the unit of {change.label} was {units[0]} and is {units[1]}, so that its values are not "
        f"compared: {values[0]} before, {values[1]} now."
    )


def _known(value: float | None, unit: str, change: MetricChange, when: str = "") -> str:
    return "" if value is None else f": {quantity(value, unit, change.digits)}{when}"


def _size(change: MetricChange) -> float:
    if change.kind == "moved":
        return float("inf") if change.times is None else change.times
    if change.kind == "differs":
        return float("inf") if change.relative is None else abs(change.relative)
    return 0.0


def describe_within(changes: Changes) -> Iterator[Ranked]:
    """Return a sentence on how many metrics changed no more than they usually do."""
    n = sum(change.kind == "within" for change in changes.metrics)
    if n:
        numbers = "number differs" if n == 1 else "numbers differ"
        least = number(changes.beyond)
        text = f"{count(n)} {numbers} by no more than {least}\u00a0times the usual scatter."
        yield Ranked("metric within", ChangeRecord(text=text))


def describe_circumstances(changes: Changes) -> Iterator[Ranked]:
    """Return sentences on what made the two runs."""
    one, other = changes.before, changes.after
    if one.report != other.report:
        text = f"These are runs of different reports, {one.report} and {other.report}."
        yield Ranked("other report", ChangeRecord(text=text))
    if changes.configuration is not None:
        yield from _describe_configuration(changes.configuration)
    if changes.versions:
        parts = [
            f"{change.name} {change.before or 'unknown'} → {change.after or 'unknown'}"
            for change in changes.versions
        ]
        text = f"Other versions: {listed(parts, most=20)}."
        yield Ranked("versions", ChangeRecord(text=text))
    if changes.commit is not None:
        yield Ranked("commit", ChangeRecord(text=_commit(changes.commit)))
    if changes.left_out:
        were = "section was" if len(changes.left_out) == 1 else "sections were"
        text = f"{len(changes.left_out)} {were} left out of a partial run: "
        yield Ranked("left out", ChangeRecord(text=f"{text}{listed(list(changes.left_out))}."))


def _describe_configuration(change: ConfigurationChange) -> Iterator[Ranked]:
    if change.text_changed:
        parts = [
            f"{count(n)} {'line' if n == 1 else 'lines'} {how}"
            for n, how in ((change.added, "added"), (change.removed, "removed"))
            if n
        ]
        text = f"The configuration changed: {listed(parts) or 'only the ends of its lines'}."
        yield Ranked("configuration", ChangeRecord(text=text))
    if change.overrides_before != change.overrides_after:
        one, other = _overrides(change.overrides_before), _overrides(change.overrides_after)
        text = f"Values set on the command line: {other}; before: {one}."
        yield Ranked("overrides", ChangeRecord(text=text))


def _overrides(overrides: Sequence[str]) -> str:
    return listed(list(overrides), most=20) or "none"


def _commit(change: CommitChange) -> str:
    if change.before == change.after:
        now = "no uncommitted changes now" if change.clean_after else "uncommitted changes now"
        return f"The configuration is at the same commit, with {now}."
    one, other = (text[:_SHORT_COMMIT] or "none" for text in (change.before, change.after))
    unclean = ", with uncommitted changes" if change.clean_after is False else ""
    return f"The configuration is at commit {other}{unclean}; before: {one}."


def short_names(changes: Changes) -> dict[str, str]:
    """Return a name for each input: the file's, or its path where two files have one name."""
    paths = [change.path for change in changes.inputs]
    names = Counter(PurePath(path).name for path in paths)
    return {
        path: name if names[name := PurePath(path).name] == 1 and name else path for path in paths
    }


def describe_input(change: InputChange, name: str) -> Ranked:
    """Return a sentence on what became of an input."""
    statuses: dict[str, Status] = {
        "unreadable": "error",
        "still_unreadable": "error",
        "readable": "ok",
    }
    why = because(change.error)
    text = {
        "unreadable": f"could not be read{why}",
        "still_unreadable": f"still cannot be read{why}",
        "gone": f"is not read any more{_extent(change, 'before', ' before')}.",
        "shrunk": f"shrank{_growth(change)}.",
        "changed": f"has other content{_other_content(change)}.",
        "unknown": "could not be compared: its checksum is not known.",
        "new": f"is a new input{_extent(change, 'after')}.",
        "grown": f"grew{_growth(change)}.",
        "readable": "can be read again.",
        "moved": "has the same content as before.",
    }[change.kind]
    if change.path_before:
        text += f" It was read from {change.path_before}, and is now from {change.path}."
    sentence = ChangeRecord(text=f"{name} {text}", status=statuses.get(change.kind))
    return Ranked(f"input {change.kind}", sentence)


def _growth(change: InputChange) -> str:
    """Return from how many to how many rows and bytes; nothing when neither changed."""
    moved = [d for d in change.datasets if None not in (d.before, d.after) and d.before != d.after]
    counts = dict.fromkeys((d.before or 0, d.after or 0, d.entries) for d in moved)
    parts = [_rows(d) if len(counts) == 1 else f"in {d.name} {_rows(d)}" for d in moved]
    if len(counts) == 1:
        parts = parts[:1]
    one, other = change.bytes_before, change.bytes_after
    if one is not None and other is not None and one != other:
        parts.append(_bytes(one, other))
    elif one is not None and moved:
        parts.append("in as many bytes")
    return f" {listed(parts)}" if parts else ""


def _other_content(change: InputChange) -> str:
    if growth := _growth(change):
        return f",{growth}"
    return "" if change.bytes_before is None else " of the same size"


def _rows(change: DatasetChange) -> str:
    return f"from {count(change.before or 0)} to {count(change.after or 0)} {change.entries}"


def _bytes(before: int, after: int) -> str:
    if abs(after - before) < _ROUNDED * max(before, after):
        return f"from {count(before)} to {count(after)} bytes"
    return f"from {bytes_text(before)} to {bytes_text(after)}"


def _extent(change: InputChange, side: str, when: str = "") -> str:
    counts = {(getattr(d, side), d.entries) for d in change.datasets}
    parts = [f"{count(n)} {entries}" for n, entries in counts if n is not None and len(counts) == 1]
    if len(counts) > 1:
        parts = [f"{count(getattr(d, side))} {d.entries} in {d.name}" for d in change.datasets]
    size = change.bytes_before if side == "before" else change.bytes_after
    parts += [] if size is None else [bytes_text(size)]
    return f": {listed(parts)}{when}" if parts else ""


def describe_unchanged(changes: Changes) -> Iterator[Ranked]:
    """Return one sentence on the inputs that are the same."""
    names = short_names(changes)
    same = [names[change.path] for change in changes.inputs if change.kind == "unchanged"]
    if same:
        verb = "is" if len(same) == 1 else "are"
        yield Ranked("input unchanged", ChangeRecord(text=f"{listed(same)} {verb} unchanged."))


def because(message: str) -> str:
    """Return the end of a sentence: the first line of a message, if there is one."""
    first, _, rest = message.strip().partition("\n")
    if not first:
        return "."
    return f": {first} …" if rest else f": {ended(first)}"


def ended(text: str) -> str:
    """Return a text with a full stop, unless it has an end of its own."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
