"""One change, one sentence: the numbers in it differ as much as the values do."""

from collections.abc import Iterator, Sequence

from reportgen.changes.records import (
    Changes,
    CommitChange,
    ConfigurationChange,
    MetricChange,
    SectionChange,
    VerdictChange,
)
from reportgen.changes.said import Said, Sentence, because, ended
from reportgen.changes.units import (
    before_and_after,
    has_ratio,
    quantity,
    signed_percent,
    symbol,
    times,
)
from reportgen.numbers import count, listed, number
from reportgen.summary import Status

_SHORT_COMMIT = 10


def say_section(change: SectionChange) -> Said:
    """Say that a section came, went, broke or was mended."""
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
    sentence = Sentence(
        text=f"{change.title}: {text}", status=statuses.get(change.kind), section=change.section
    )
    return Said(f"section {change.kind}", sentence)


_ENDED = {
    "ok": "was ok",
    "warn": "had a warning",
    "fail": "failed",
    "error": "could not be made",
    None: "was not checked",
}
_NOW = {"warn": "has a warning", "fail": "failed", "error": "could not be checked"}
_STILL = {"warn": "still has a warning", "fail": "still fails", "error": "still is not checked"}


def say_verdict(change: VerdictChange) -> Said:
    """Say how a check ended, and how it did before."""
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
    sentence = Sentence(
        text=f"{change.title}: {label} {text}{told}", status=status, section=change.section
    )
    return Said(f"verdict {change.kind}{severity}", sentence)


def say_metric(change: MetricChange) -> Said:
    """Say what became of a metric."""
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
    sentence = Sentence(text=f"{change.title}: {text}", section=change.section)
    return Said(f"metric {change.kind}", sentence, _size(change))


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


def say_within(changes: Changes) -> Iterator[Said]:
    """Say how many metrics changed no more than they usually do."""
    n = sum(change.kind == "within" for change in changes.metrics)
    if n:
        numbers = "number differs" if n == 1 else "numbers differ"
        least = number(changes.beyond)
        text = f"{count(n)} {numbers} by no more than {least}\u00a0times the usual scatter."
        yield Said("metric within", Sentence(text=text))


def say_circumstances(changes: Changes) -> Iterator[Said]:
    """Say how the two runs differ in what made them."""
    one, other = changes.before, changes.after
    if one.report != other.report:
        text = f"These are runs of different reports, {one.report} and {other.report}."
        yield Said("other report", Sentence(text=text))
    if changes.configuration is not None:
        yield from _say_configuration(changes.configuration)
    if changes.versions:
        parts = [
            f"{change.name} {change.before or 'unknown'} → {change.after or 'unknown'}"
            for change in changes.versions
        ]
        text = f"Other versions: {listed(parts, most=20)}."
        yield Said("versions", Sentence(text=text))
    if changes.commit is not None:
        yield Said("commit", Sentence(text=_commit(changes.commit)))
    if changes.left_out:
        were = "section was" if len(changes.left_out) == 1 else "sections were"
        text = f"{len(changes.left_out)} {were} left out of a partial run: "
        yield Said("left out", Sentence(text=f"{text}{listed(list(changes.left_out))}."))


def _say_configuration(change: ConfigurationChange) -> Iterator[Said]:
    if change.text_changed:
        parts = [
            f"{count(n)} {'line' if n == 1 else 'lines'} {how}"
            for n, how in ((change.added, "added"), (change.removed, "removed"))
            if n
        ]
        text = f"The configuration changed: {listed(parts) or 'only the ends of its lines'}."
        yield Said("configuration", Sentence(text=text))
    if change.overrides_before != change.overrides_after:
        one, other = _overrides(change.overrides_before), _overrides(change.overrides_after)
        text = f"Values set on the command line: {other}; before: {one}."
        yield Said("overrides", Sentence(text=text))


def _overrides(overrides: Sequence[str]) -> str:
    return listed(list(overrides), most=20) or "none"


def _commit(change: CommitChange) -> str:
    if change.before == change.after:
        now = "no uncommitted changes now" if change.clean_after else "uncommitted changes now"
        return f"The configuration is at the same commit, with {now}."
    one, other = (text[:_SHORT_COMMIT] or "none" for text in (change.before, change.after))
    unclean = ", with uncommitted changes" if change.clean_after is False else ""
    return f"The configuration is at commit {other}{unclean}; before: {one}."
