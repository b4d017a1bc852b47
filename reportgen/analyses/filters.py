"""What is to be known of the filters of a layer: silent, alike, independent."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reportgen.reduce.maps import FilterStatistics

Values = NDArray[np.float64]


class Alike(NamedTuple):
    """The correlation of two filters."""

    r: float
    first: int
    second: int


@dataclass(frozen=True)
class Filters:
    """The filters of a layer with one set of weights.

    almost_silent: share of zeros from which a filter counts as almost silent. duplicate:
    correlation from which two are near-duplicates.
    """

    label: str
    found: FilterStatistics
    almost_silent: float
    duplicate: float

    @cached_property
    def state(self) -> list[str]:
        """What each filter is: silent, almost silent, constant (not at 0), or nothing of these."""
        zeros, varies = self.found.zeros, np.isfinite(np.diag(self.found.correlation))
        return [
            "silent"
            if share == 1
            else "constant"
            if not varying
            else "almost silent"
            if share >= self.almost_silent
            else ""
            for share, varying in zip(zeros, varies, strict=True)
        ]

    @property
    def silent(self) -> list[int]:
        """Filters that are 0 everywhere in all images."""
        return [k for k, state in enumerate(self.state) if state == "silent"]

    @property
    def almost(self) -> list[int]:
        """Filters that are 0 almost everywhere."""
        return [k for k, state in enumerate(self.state) if state == "almost silent"]

    @cached_property
    def others(self) -> Values:
        """Correlation of each filter with each other one, NaN with itself, (filter, filter)."""
        r = self.found.correlation.copy()
        np.fill_diagonal(r, np.nan)
        return r

    @property
    def duplicates(self) -> list[int]:
        """Filters that have a near-duplicate."""
        return np.flatnonzero((self.others >= self.duplicate).any(axis=1)).tolist()

    @property
    def closest(self) -> Alike | None:
        """The two filters that are the most alike; None if no two can be compared."""
        if np.isnan(self.others).all():
            return None
        i, j = np.unravel_index(int(np.nanargmax(self.others)), self.others.shape)
        return Alike(float(self.others[i, j]), int(min(i, j)), int(max(i, j)))

    def nearest(self, k: int) -> tuple[int, float] | None:
        """Give the filter that is most like one, and the correlation; None if there is none."""
        row = self.others[k]
        if np.isnan(row).all():
            return None
        best = int(np.nanargmax(row))
        return best, float(row[best])

    @cached_property
    def independent(self) -> float:
        """Effective number of independent filters: (Σλ)² / Σλ², λ the correlations' eigenvalues.

        Bretherton et al. (1999, J. Climate 12, 1990), equation 5. Of the filters that vary; 0 if
        none does.
        """
        varies = np.isfinite(np.diag(self.found.correlation))
        r = self.found.correlation[np.ix_(varies, varies)]
        # Σλ is the trace, Σλ² the sum of the squares of all elements of a symmetric matrix.
        return float(len(r) ** 2 / (r**2).sum()) if len(r) else 0.0
