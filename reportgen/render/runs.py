"""Nights of a report: what is known of each run, and which run stands for its night."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby

from reportgen.summary import Status


@dataclass(frozen=True)
class MetricValue:
    """A metric of a run. value: None when the run has no number for it."""

    value: float | None
    label: str
    unit: str = ""
    digits: int | None = None


@dataclass(frozen=True)
class RunEntry:
    """A run as lists of runs show it.

    id: name of its folder. number: its place among the runs of one second, 1 for the first.
    status: None when its record cannot be read; the verdict then says why. documents: form to
    file name. metrics: those asked for that the run has, by ``section.metric``.
    """

    id: str
    started: datetime
    number: int
    status: Status | None
    verdict: str
    seconds: float | None = None
    partial: bool = False
    synthetic: bool = False
    documents: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, MetricValue] = field(default_factory=dict)

    @property
    def night(self) -> date:
        """UTC date of the start."""
        return self.started.date()


@dataclass(frozen=True)
class Night:
    """A night. run: the one that stands for it. others: its other runs, newest first."""

    date: date
    run: RunEntry
    others: tuple[RunEntry, ...] = ()


def in_order(runs: Iterable[RunEntry]) -> list[RunEntry]:
    """Give runs oldest first."""
    return sorted(runs, key=lambda run: (run.started, run.number))


def nights(runs: Iterable[RunEntry]) -> list[Night]:
    """Give the nights of some runs, oldest first.

    The newest run stands for its night; a partial one, or one whose record cannot be read, does
    only where there is no other.
    """
    return [
        _night(day, list(group)) for day, group in groupby(in_order(runs), lambda run: run.night)
    ]


def _night(day: date, runs: list[RunEntry]) -> Night:
    # max gives the first of equals, so the newest must come first.
    newest_first = runs[::-1]
    standing = max(newest_first, key=lambda run: (run.status is not None, not run.partial))
    return Night(day, standing, tuple(run for run in newest_first if run is not standing))
