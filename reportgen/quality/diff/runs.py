"""Two run folders compared, with the usual scatter that the history knows."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from reportgen.quality.diff.compare import NOISE_NIGHTS, TOLERANCE, Noise, compare, usual_scatters
from reportgen.quality.diff.records import Changes
from reportgen.quality.diff.sentences import sentences
from reportgen.quality.history import open_history
from reportgen.quality.history.records import HistoryError
from reportgen.record import ChangeRecord, Record, Summary, read_summary
from reportgen.wording import counted


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
    until = max(one.run.start, other.run.start).date() - timedelta(days=1)
    trouble = None
    try:
        record, noise = _noise(other, place, until)
    except HistoryError as error:
        trouble, noise = error, {}
        record = NoiseRecord(said="Usual scatter is not known: the history cannot be read.")
    changes = compare(one, other, noise, tolerance=tolerance)
    found = Difference(
        moved=changes.moved, noise=record, sentences=sentences(changes), changes=changes
    )
    return Compared(one, other, found, trouble)


def _noise(summary: Summary, place: str | Path | None, until: date) -> tuple[NoiseRecord, Noise]:
    if place is None:
        said = "Usual scatter is not known: there is no history. Numbers are said to differ."
        return NoiseRecord(said=said), {}
    with open_history(place) as history:
        table = history.table(summary.report.id, until=until, most=NOISE_NIGHTS)
        shown = history.place
    noise = usual_scatters(summary, table)
    known = sum(value is not None for value in noise.values())
    earlier = f"{counted(len(table.nights), 'nights')} up to {until}"
    if known:
        said = f"Usual scatter of {known} of {len(noise)} numbers is from {earlier} in {shown}."
    else:
        said = f"Usual scatter is not known: {shown} has {earlier}, too few to tell."
    numbers = {"nights": len(table.nights), "metrics": known, "of": len(noise)}
    return NoiseRecord(history=shown, said=said, **numbers), noise
