"""Replays the checks of today over past nights: on which would each have fired?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from reportgen.checks.evaluation import evaluate
from reportgen.checks.facts import Facts, Past, Reference
from reportgen.config.checks import CheckBlock
from reportgen.summary import CheckRecord, MetricRecord, SectionRecord, Status

Checks = tuple[CheckRecord, ...]

_NOT_KEPT = {
    "fresh": "The history does not say how old the files were.",
    "missing_at_most": "The history does not say how many values were missing.",
}


@dataclass(frozen=True)
class PastNight:
    """A section on one night, as the history has it. rows: None when it does not say.

    metrics: those it had; None where there was no value, or one in another unit than today's.
    """

    night: date
    metrics: Mapping[str, float | None]
    rows: int | None = None
    computed: bool = True


@dataclass(frozen=True)
class Fired:
    """A night on which a check would not have held; status: its severity, or error."""

    night: date
    status: Status
    waived: bool
    message: str


@dataclass(frozen=True)
class Replay:
    """A check over the past. nights: on how many it was in force and could be replayed.

    skipped: on how many it was in force but could not be replayed: the nights of not_computed,
    on which the section was in error, and of not_known, on which the history does not have what
    is checked. impossible: why it cannot be replayed at all; empty when it can.
    """

    section: str
    check: str
    label: str
    kind: str
    severity: Status
    nights: int = 0
    skipped: int = 0
    fired: tuple[Fired, ...] = ()
    impossible: str = ""
    not_computed: tuple[date, ...] = ()
    not_known: tuple[date, ...] = ()


def backtest(
    section: SectionRecord,
    blocks: Sequence[CheckBlock],
    nights: Iterable[PastNight],
    references: Mapping[str, Reference | str],
    *,
    dated: bool = True,
    last: int | None = None,
) -> tuple[Replay, ...]:
    """Replay the checks of a section over past nights, in the order of the YAML.

    section: its newest record, which knows what metrics are called and their units; values of the
    past are in these. dated: keep to the dates from which and until which checks are in force.
    last: how many nights to replay, the last ones; earlier ones are their past. None for all.
    """
    past = sorted(nights, key=lambda each: each.night)
    names = dict.fromkeys(name for each in past for name in each.metrics)
    series: dict[tuple[str, str], Past] = {
        (section.id, name): [(each.night, each.metrics.get(name)) for each in past]
        for name in names
    }
    section = _with_metrics(section, names)
    undated = [each.model_copy(update={"from_": None, "until": None}) for each in blocks]
    blocks = blocks if dated else undated

    # A drift looks back so far and no farther; all of a long past would be sorted every night.
    reach = max((each.drift.nights for each in blocks if each.drift is not None), default=0)

    def checks_on(record: SectionRecord, chosen: Sequence[CheckBlock], place: int) -> Checks:
        night = past[place].night if past else date(1970, 1, 1)
        near = {key: values[max(0, place - reach) : place] for key, values in series.items()}
        started = datetime.combine(night, time(12), UTC)
        return evaluate(record, chosen, Facts(started, near, references=references)).checks

    newest = checks_on(section, undated, max(0, len(past) - 1))
    first = 0 if last is None else max(0, len(past) - last)
    replayed = [
        (past[place], checks_on(_on(section, past[place]), blocks, place))
        for place in range(first, len(past))
    ]
    return tuple(
        _replay(section.id, check, [(each, checks[place]) for each, checks in replayed])
        for place, check in enumerate(newest)
    )


def _with_metrics(section: SectionRecord, names: Iterable[str]) -> SectionRecord:
    """Give a section, computed or not, with all metrics that it ever had."""
    metrics = {name: MetricRecord(label=name, value=None) for name in names} | dict(section.metrics)
    return section.model_copy(update={"metrics": metrics, "status": "ok", "error": None})


def _on(section: SectionRecord, night: PastNight) -> SectionRecord:
    """Give a section as it was on a night, as far as the history knows."""
    metrics = {
        name: section.metrics[name].model_copy(update={"value": value})
        for name, value in night.metrics.items()
    }
    changes = {"metrics": metrics, "rows": night.rows, "tables": (), "counted": {}}
    return section.model_copy(update={**changes, "status": "ok" if night.computed else "error"})


def _replay(
    section: str, newest: CheckRecord, replayed: Sequence[tuple[PastNight, CheckRecord]]
) -> Replay:
    impossible = _impossible(newest, replayed)
    in_force = [(night, check) for night, check in replayed if check.in_force]
    known = [] if impossible else [each for each in in_force if _is_known(*each)]
    unknown = (
        [] if impossible else [night for night, check in in_force if not _is_known(night, check)]
    )
    return Replay(
        section=section,
        check=newest.id,
        label=newest.label,
        kind=newest.kind,
        severity=newest.severity,
        nights=len(known),
        skipped=len(in_force) - len(known),
        fired=tuple(
            Fired(night.night, check.status, check.waived, check.message)
            for night, check in known
            if check.status != "ok"
        ),
        impossible=impossible,
        not_computed=tuple(night.night for night in unknown if not night.computed),
        not_known=tuple(night.night for night in unknown if night.computed),
    )


def _impossible(newest: CheckRecord, replayed: Sequence[tuple[PastNight, CheckRecord]]) -> str:
    """Say why a check cannot be replayed at all; empty when it can."""
    if newest.cell is not None:
        return "The history keeps no tables."
    if newest.kind in _NOT_KEPT:
        return _NOT_KEPT[newest.kind]
    if newest.kind == "rows_at_least":
        rows_known = any(night.rows is not None for night, _ in replayed)
        return "" if rows_known else "The history does not say how many rows were used."
    return newest.message if newest.status == "error" else ""


def _is_known(night: PastNight, check: CheckRecord) -> bool:
    """Whether the history knows what a check is on."""
    if not night.computed:
        return False
    return (
        night.rows is not None if check.kind == "rows_at_least" else check.metric in night.metrics
    )
