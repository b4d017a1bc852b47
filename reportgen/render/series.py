"""A metric over the nights: as it is plotted, in a terminal or in a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise


@dataclass(frozen=True)
class SeriesPoint:
    """A metric on a night.

    value: None when there is none to plot. fine: whether its checks hold.
    """

    night: date
    value: float | None
    fine: bool = True


@dataclass(frozen=True)
class Series:
    """A metric over the nights, oldest first. unit: as people read it."""

    label: str
    unit: str
    digits: int | None
    points: tuple[SeriesPoint, ...]

    @property
    def title(self) -> str:
        """The label with the unit, as an axis has it."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def values(self) -> list[float]:
        """The numbers, without the nights that have none."""
        return [point.value for point in self.points if point.value is not None]

    def lines(self) -> list[list[SeriesPoint]]:
        """Return the points that a line joins; a night without a value ends it."""
        usual = usual_step([point.night for point in self.points])
        lines: list[list[SeriesPoint]] = []
        former: SeriesPoint | None = None
        for point in self.points:
            if point.value is not None:
                near = former is not None and (point.night - former.night).days < 2 * usual
                if near and former is not None and former.value is not None:
                    lines[-1].append(point)
                else:
                    lines.append([point])
            former = point
        return lines


def usual_step(nights: Sequence[date]) -> int:
    """Return how many days usually lie between two nights; 1 when nothing is known."""
    steps = sorted((b - a).days for a, b in pairwise(nights))
    return steps[len(steps) // 2] if steps else 1
