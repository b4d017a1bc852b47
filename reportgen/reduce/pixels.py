"""Statistics of the pixels of an image: quantiles, the commonest value, and a smaller picture."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from reportgen.config.columns import unit_symbol
from reportgen.config.unit_arithmetic import factor, without_beam
from reportgen.errors import SectionError
from reportgen.reduce.maps import Integers, MapReduction, Maps

Values = NDArray[np.float64]

LONGEST = 200  # squares along the longer side of the picture
CURVE = 500  # points of the sorted-value curve
BINS = 100  # of which the fullest is the mode
RANGE = 0.01, 0.99  # quantiles between which they are
BLOCK = 64  # rows of squares at a time, so that float64 is never needed of the whole image


@dataclass(frozen=True)
class PixelStatistics:
    """What the pixels of a channel are. Those that are not finite are blank.

    shape: (height, width). valid: pixels that are not blank; the others are of these. shares,
    curve: quantiles, and which, from 0 to 1. mode: middle of the fullest of 100 bins between the
    1 and the 99 % quantile. below: pixels below a level. side: of the squares of pixels whose
    means, (row, column), the picture has; NaN where all are blank.
    """

    shape: tuple[int, int]
    valid: int
    shares: Values
    curve: Values
    mode: float
    below: int
    side: int
    picture: Values

    @property
    def all(self) -> int:
        """How many there are, blank ones included."""
        return self.shape[0] * self.shape[1]

    def quantile(self, share: float) -> float:
        """Return the value below which a share of the pixels is, one that the curve has."""
        return float(self.curve[round(share * CURVE)])


@dataclass(frozen=True)
class DescribePixels(MapReduction[PixelStatistics | None, PixelStatistics | None]):
    """Statistics of one channel of one image; None when there is no such image or channel.

    level: in a unit; that of the image when there is none.
    """

    takes_blank: ClassVar[bool] = True

    channel: int = 0
    level: float = np.nan
    unit: str = ""

    def in_unit(self, unit: str) -> "DescribePixels":
        return replace(self, level=self.level * pixels_in(self.unit, unit), unit="")

    def start(self) -> PixelStatistics | None:
        return None

    def update(self, state: PixelStatistics | None, maps: Maps) -> PixelStatistics | None:
        if state is not None or not len(maps) or self.channel >= maps.shape[1]:
            return state
        return _described(maps[0, self.channel], self.level)

    def merge(
        self, first: PixelStatistics | None, second: PixelStatistics | None
    ) -> PixelStatistics | None:
        return second if first is None else first


def pixels_in(unit: str, of_pixels: str) -> float:
    """Return by what a level is multiplied to be in the unit of pixels, whether per beam or not.

    1 where either has no unit. Raises SectionError where they measure something else.
    """
    if not (unit and of_pixels):
        return 1.0
    try:
        return factor(without_beam(unit), without_beam(of_pixels))
    except (ValueError, TypeError):
        said = f"pixels in {unit_symbol(of_pixels)} cannot be compared with {unit_symbol(unit)}"
        raise SectionError(said, "unit: in images: sets that of the pixels") from None


def _described(image: NDArray[np.float32], level: float) -> PixelStatistics:
    height, width = image.shape
    values = image[np.isfinite(image)]
    values.sort()
    shares = np.linspace(0, 1, CURVE + 1)
    curve, mode, below = np.full(len(shares), np.nan), np.nan, 0
    if len(values):
        place = shares * (len(values) - 1)
        first = np.floor(place).astype(np.intp)
        second = np.minimum(first + 1, len(values) - 1)
        lower, upper = values[first].astype(np.float64), values[second].astype(np.float64)
        curve = lower + (place - first) * (upper - lower)
        low, high = (float(curve[round(share * CURVE)]) for share in RANGE)
        counts, edges = np.histogram(values, BINS, (low, high)) if low < high else ([1], [low, low])
        fullest = int(np.argmax(counts))
        mode = float(edges[fullest] + edges[fullest + 1]) / 2
        below = int(np.searchsorted(values, np.float32(level), side="left"))
    side = -(-max(height, width) // LONGEST)
    return PixelStatistics(
        (height, width), len(values), shares, curve, mode, below, side, means_of(image, side)
    )


def means_of(image: NDArray[np.float32], side: int) -> Values:
    """Return the means of squares of pixels, blank ones left out; those at the edges are cut."""
    height, width = image.shape
    found = np.full((-(-height // side), -(-width // side)), np.nan)
    for top in range(0, len(found), BLOCK):
        rows = image[top * side : (top + BLOCK) * side].astype(np.float64)
        padded = np.pad(rows, ((0, -len(rows) % side), (0, -width % side)), constant_values=np.nan)
        cells = padded.reshape(len(padded) // side, side, -1, side)
        valid = np.isfinite(cells)
        n = valid.sum(axis=(1, 3))
        sums = np.where(valid, cells, 0).sum(axis=(1, 3))
        found[top : top + BLOCK] = np.divide(sums, n, out=np.full(n.shape, np.nan), where=n > 0)
    return found


@dataclass(frozen=True)
class CountPixelsBelow(MapReduction[Integers, Integers]):
    """How many pixels of the first channel of one image are at most each of some levels.

    levels: ascending, in a unit; that of the image when there is none. The last count is that of
    all pixels that are not blank.
    """

    takes_blank: ClassVar[bool] = True

    levels: tuple[float, ...] = ()
    unit: str = ""

    def in_unit(self, unit: str) -> "CountPixelsBelow":
        by = pixels_in(self.unit, unit)
        return replace(self, levels=tuple(by * level for level in self.levels), unit="")

    def start(self) -> Integers:
        return np.zeros(len(self.levels) + 1, np.int64)

    def update(self, state: Integers, maps: Maps) -> Integers:
        for image in maps[:, 0]:
            for top in range(0, len(image), BLOCK):
                values = image[top : top + BLOCK].ravel().astype(np.float64)
                place = np.searchsorted(self.levels, values[np.isfinite(values)], side="left")
                state = state + np.bincount(place, minlength=len(state)).cumsum()
        return state

    def merge(self, first: Integers, second: Integers) -> Integers:
        return first + second
