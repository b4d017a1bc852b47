"""Two run folders compared, with the usual scatter that the history knows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from reportgen.quality.diff.compare import TOLERANCE, compare, usual_scatter
from reportgen.quality.diff.records import Changes
from reportgen.quality.diff.sentences import moved_beyond, sentences
from reportgen.quality.history import HistoryError, Key, MetricTable, open_history
from reportgen.record import ChangeRecord, Record, Summary, read_summary
from reportgen.wording import count

NOISE_NIGHTS = 90
"""How many nights before the later run tell how much a metric usually scatters."""


class NoiseRecord(Record):
    """Where the usual scatter of the metrics comes from."""

    history: str = ""
    """The database as people know it; empty when there is none."""
    nights: int = 0
    """How many nights before the later run it has."""
    metrics: int = 0
    """Of how many metrics it tells the scatter."""
    of: int = 0
    """How many metrics the later run has."""
    said: str
    """All this in a sentence, or why nothing is known."""


class Difference(Record):
    """What `reportgen diff` finds."""

    moved: bool
    """Whether something moved beyond its tolerance: exit code 1."""
    noise: NoiseRecord
    sentences: tuple[ChangeRecord, ...]
    """What changed, worst first."""
    changes: Changes


@dataclass(frozen=True)
class Compared:
    """Two runs and what changed. trouble: why the history could not be read."""

    before: Summary
    after: Summary
    difference: Difference
    trouble: HistoryError | None = None


def compare_runs(
    before: Path, after: Path, place: str | Path | None, *, tolerance: float = TOLERANCE
) -> Compared:
    """Compare two run folders. place: of the history; None for none.

    A history that cannot be read does not keep runs from being compared.
    Raises ConfigError when a run cannot be read.
    """
    one, other = read_summary(before), read_summary(after)
    trouble = None
    try:
        record, noise = _noise(other, place, max(map(_night, (one, other))) - timedelta(days=1))
    except HistoryError as error:
        trouble, noise = error, {}
        record = NoiseRecord(said="Usual scatter is not known: the history cannot be read.")
    changes = compare(one, other, noise, tolerance=tolerance)
    found = Difference(
        moved=moved_beyond(changes), noise=record, sentences=sentences(changes), changes=changes
    )
    return Compared(one, other, found, trouble)


def _noise(
    summary: Summary, place: str | Path | None, until: date
) -> tuple[NoiseRecord, dict[Key, float | None]]:
    if place is None:
        said = "Usual scatter is not known: there is no history. Numbers are said to differ."
        return NoiseRecord(said=said), {}
    with open_history(place) as history:
        table = history.table(summary.report.id, until=until, most=NOISE_NIGHTS)
        shown = history.place
    units = {
        (section.id, name): metric.unit
        for section in summary.sections
        for name, metric in section.metrics.items()
    }
    noise = {key: usual_scatter(_values(table, key, unit)) for key, unit in units.items()}
    known = sum(value is not None for value in noise.values())
    nights, numbers = len(table.nights), len(noise)
    earlier = f"{count(nights)} {'night' if nights == 1 else 'nights'} up to {until}"
    if known:
        said = f"Usual scatter of {known} of {numbers} numbers is from {earlier} in {shown}."
    else:
        said = f"Usual scatter is not known: {shown} has {earlier}, too few to tell."
    record = NoiseRecord(history=shown, nights=nights, metrics=known, of=numbers, said=said)
    return record, noise


def _values(table: MetricTable, key: Key, unit: str) -> Iterable[float | None]:
    """Return the numbers of a metric that are in a unit."""
    cells = table.cells.get(key, ())
    return [cell[0] for cell in cells if cell is not None and cell[1] == unit]


def _night(summary: Summary) -> date:
    started = datetime.fromisoformat(summary.run.started)
    return (started if started.tzinfo is None else started.astimezone(UTC)).date()
