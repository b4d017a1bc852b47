"""What changed, in sentences for people: the numbers in one differ as much as the values do."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from reportgen.config.columns import unit_symbol
from reportgen.quality.diff.records import (
    Changes,
    CommitChange,
    ConfigurationChange,
    InputChange,
    MetricChange,
    SectionChange,
    VerdictChange,
)
from reportgen.quality.quantities import (
    before_and_after,
    quantity,
    signed_change,
    times,
)
from reportgen.record import ChangeRecord, Status
from reportgen.wording import bytes_text, count, listed, number

_SHORT_COMMIT = 10
_ROUNDED = 0.02  # a smaller part of a size is lost in its three digits

_ORDER = (
    "other report",
    "section error",
    "verdict new fail",
    "verdict worse",
    "input unreadable",
    "input gone",
    "metric missing",
    "metric moved",
    "section gone",
    "verdict new warn",
    "input shrunk",
    "input changed",
    "metric unit",
    "metric gone",
    "verdict unchecked",
    "verdict waived",
    "section still_in_error",
    "input still_unreadable",
    "verdict still",
    "verdict better",
    "input unknown",
    "input new",
    "input grown",
    "input moved",
    "input readable",
    "configuration",
    "overrides",
    "versions",
    "commit",
    "metric differs",
    "section recovered",
    "verdict recovered",
    "metric available",
    "section new",
    "metric new",
    "metric within",
    "left out",
    "input unchanged",
)
"""Worst first; after what became bad comes what stayed so, then what explains it, then the good."""


def sentences(changes: Changes) -> tuple[ChangeRecord, ...]:
    """Return what changed, worst first; among changes of a kind the largest first."""
    return tuple(sorted(_described(changes), key=lambda one: _ORDER.index(one.kind)))


def _described(changes: Changes) -> Iterator[ChangeRecord]:
    yield from map(_of_section, changes.sections)
    yield from map(_of_check, changes.verdicts)
    metrics = sorted(changes.metrics, key=_size, reverse=True)
    yield from (_of_metric(change) for change in metrics if change.kind != "within")
    if within := sum(change.kind == "within" for change in metrics):
        numbers = "number differs" if within == 1 else "numbers differ"
        text = f"{count(within)} {numbers} by no more than {number(changes.beyond)}\u00a0times"
        yield ChangeRecord(kind="metric within", text=f"{text} the usual scatter.")
    yield from _of_inputs(changes.inputs)
    yield from _of_circumstances(changes)


def _of_section(change: SectionChange) -> ChangeRecord:
    why = _because(change.message)
    text = {
        "error": f"the section could not be computed{why}",
        "still_in_error": f"the section still cannot be computed{why}",
        "gone": "the section is gone.",
        "recovered": "the section could be computed again.",
        "new": "a new section.",
    }[change.kind]
    statuses: dict[str, Status] = {"error": "error", "still_in_error": "error", "recovered": "ok"}
    return ChangeRecord(
        kind=f"section {change.kind}",
        text=f"{change.title}: {text}",
        status=statuses.get(change.kind),
        section=change.section,
    )


_ENDED = {
    "ok": "was ok",
    "warn": "had a warning",
    "fail": "failed",
    "error": "could not be made",
    None: "was not checked",
}
_NOW = {"warn": "has a warning", "fail": "failed", "error": "could not be checked"}
_STILL = {"warn": "still has a warning", "fail": "still fails", "error": "still is not checked"}


def _of_check(change: VerdictChange) -> ChangeRecord:
    after = change.after or ""
    earlier = f"it {'was waived' if change.waived_before else _ENDED[change.before]} before"
    text = {
        "still": f"{_STILL.get(after)}.",
        "waived": f"does not hold, which is waived; {earlier}.",
        "unchecked": f"is not checked any more; {earlier}.",
        "recovered": f"is ok again; {earlier}.",
    }.get(change.kind, f"{_NOW.get(after)}; {earlier}.")
    if change.message and change.kind != "recovered":
        text += f" {_ended(change.message)}"
    severity = "" if change.kind != "new" else " warn" if after == "warn" else " fail"
    return ChangeRecord(
        kind=f"verdict {change.kind}{severity}",
        text=f"{change.title}: {_quoted(change.label)} {text}",
        status=None if change.kind in {"unchecked", "waived"} else change.after,
        section=change.section,
        name=change.name,
    )


def _quoted(label: str) -> str:
    """Return a label in quotation marks; a rule of a table, such as “a > b”, has its own within."""
    return f"“{label.replace('“', '‘').replace('”', '’')}”"


def _of_metric(change: MetricChange) -> ChangeRecord:
    before, after, label = change.before, change.after, change.label
    former = _known(before, change.unit_before, change, " before")
    current = _known(after, change.unit, change)
    if before is not None and after is not None and change.kind in {"moved", "differs"}:
        text = _movement(change, before, after)
    elif change.kind == "missing":
        text = f"no value for {label}{former}."
    elif change.kind == "available":
        text = f"{label} has a value, and had none before{current}."
    elif change.kind == "unit":
        text = _other_unit(change)
    elif change.kind == "gone":
        text = f"the metric {_quoted(label)} is gone{former}."
    else:
        text = f"a new metric, {_quoted(label)}{current}."
    return ChangeRecord(
        kind=f"metric {change.kind}",
        text=f"{change.title}: {text}",
        section=change.section,
        name=change.metric,
    )


def _movement(change: MetricChange, before: float, after: float) -> str:
    one, other = before_and_after(before, after, change.unit, change.digits)
    difference = signed_change(before, after, change.unit, change.digits)
    if change.kind == "differs":
        return f"{change.label} differs: {other} after {one} ({difference})."
    rose = "rose" if after > before else "fell"
    said = f"{change.label} {rose} from {one} to {other} ({difference})"
    if change.times is not None:
        return f"{said}, {times(change.times)} the usual scatter."
    if change.noise == 0:
        return f"{said}, after nights of which at least half had one value."
    return f"{said}, far beyond the usual scatter."


def _other_unit(change: MetricChange) -> str:
    units = [unit_symbol(unit) or "none" for unit in (change.unit_before, change.unit)]
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
    """Return what puts a metric before others of its kind."""
    if change.kind == "moved":
        return float("inf") if change.times is None else change.times
    if change.kind == "differs":
        return float("inf") if change.relative is None else abs(change.relative)
    return 0.0


def _of_inputs(changes: Sequence[InputChange]) -> Iterator[ChangeRecord]:
    names = _short_names(changes)
    yield from (_of_input(c, names[c.path]) for c in changes if c.kind != "unchanged")
    same = [names[change.path] for change in changes if change.kind == "unchanged"]
    if same:
        text = f"{listed(same)} {'is' if len(same) == 1 else 'are'} unchanged."
        yield ChangeRecord(kind="input unchanged", text=text)


def _short_names(changes: Sequence[InputChange]) -> dict[str, str]:
    """Return a name for each input: the file's, or its path where two files have one name."""
    names = {change.path: PurePath(change.path).name for change in changes}
    counts = Counter(names.values())
    return {path: name if name and counts[name] == 1 else path for path, name in names.items()}


def _of_input(change: InputChange, name: str) -> ChangeRecord:
    why = _because(change.error)
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
    statuses: dict[str, Status] = {
        "unreadable": "error",
        "still_unreadable": "error",
        "readable": "ok",
    }
    return ChangeRecord(
        kind=f"input {change.kind}", text=f"{name} {text}", status=statuses.get(change.kind)
    )


def _growth(change: InputChange) -> str:
    """Return from how many to how many rows and bytes; nothing when neither changed."""
    moved = [
        (f"from {count(d.before)} to {count(d.after)} {d.entries}", d.name)
        for d in change.datasets
        if d.before is not None and d.after is not None and d.before != d.after
    ]
    parts = _once_or_by_name(moved, "in {1} {0}")
    one, other = change.bytes_before, change.bytes_after
    if one is not None and other is not None and one != other:
        small = abs(other - one) < _ROUNDED * max(one, other)
        exact = f"from {count(one)} to {count(other)} bytes"
        parts.append(exact if small else f"from {bytes_text(one)} to {bytes_text(other)}")
    elif one is not None and one == other and moved:
        parts.append("in as many bytes")
    return f" {listed(parts)}" if parts else ""


def _other_content(change: InputChange) -> str:
    if growth := _growth(change):
        return f",{growth}"
    known = change.bytes_before is not None and change.bytes_before == change.bytes_after
    return " of the same size" if known else ""


def _extent(change: InputChange, side: str, when: str = "") -> str:
    """Return how many rows and bytes an input has on one side, before or after."""
    rows = [(getattr(d, side), d) for d in change.datasets]
    known = [(f"{count(n)} {d.entries}", d.name) for n, d in rows if n is not None]
    parts = _once_or_by_name(known, "{0} in {1}")
    size = change.bytes_before if side == "before" else change.bytes_after
    parts += [] if size is None else [bytes_text(size)]
    return f": {listed(parts)}{when}" if parts else ""


def _once_or_by_name(said: Sequence[tuple[str, str]], named: str) -> list[str]:
    """Return what is said of datasets: once where it is the same of all, else with their names."""
    texts = list(dict.fromkeys(text for text, _ in said))
    return texts if len(texts) == 1 else [named.format(text, name) for text, name in said]


def _of_circumstances(changes: Changes) -> Iterator[ChangeRecord]:
    """Return sentences on what made the two runs."""
    one, other = changes.before, changes.after
    if one.report != other.report:
        text = f"These are runs of different reports, {one.report} and {other.report}."
        yield ChangeRecord(kind="other report", text=text)
    if changes.configuration is not None:
        yield from _of_configuration(changes.configuration)
    if changes.versions:
        parts = [
            f"{change.name} {change.before or 'unknown'} → {change.after or 'unknown'}"
            for change in changes.versions
        ]
        text = f"Other versions: {listed(parts, most=20)}."
        yield ChangeRecord(kind="versions", text=text)
    if changes.commit is not None:
        yield ChangeRecord(kind="commit", text=_commit(changes.commit))
    if changes.left_out:
        were = "section was" if len(changes.left_out) == 1 else "sections were"
        text = f"{len(changes.left_out)} {were} left out of a partial run: "
        yield ChangeRecord(kind="left out", text=f"{text}{listed(list(changes.left_out))}.")


def _of_configuration(change: ConfigurationChange) -> Iterator[ChangeRecord]:
    if change.text_changed:
        parts = [
            f"{count(n)} {'line' if n == 1 else 'lines'} {how}"
            for n, how in ((change.added, "added"), (change.removed, "removed"))
            if n
        ]
        text = f"The configuration changed: {listed(parts) or 'only the ends of its lines'}."
        yield ChangeRecord(kind="configuration", text=text)
    if change.overrides_before != change.overrides_after:
        one, other = _overrides(change.overrides_before), _overrides(change.overrides_after)
        text = f"Values set on the command line: {other}; before: {one}."
        yield ChangeRecord(kind="overrides", text=text)


def _overrides(overrides: Sequence[str]) -> str:
    return listed(list(overrides), most=20) or "none"


def _commit(change: CommitChange) -> str:
    if change.before == change.after:
        now = "no uncommitted changes now" if change.clean_after else "uncommitted changes now"
        return f"The configuration is at the same commit, with {now}."
    one, other = (text[:_SHORT_COMMIT] or "none" for text in (change.before, change.after))
    unclean = ", with uncommitted changes" if change.clean_after is False else ""
    return f"The configuration is at commit {other}{unclean}; before: {one}."


def _because(message: str) -> str:
    """Return the end of a sentence: the first line of a message, if there is one."""
    first, _, rest = message.strip().partition("\n")
    if not first:
        return "."
    return f": {first} …" if rest else f": {_ended(first)}"


def _ended(text: str) -> str:
    """Return a text with a full stop, unless it has an end of its own."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
