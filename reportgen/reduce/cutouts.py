"""Cut-outs of images at places that rows of a catalogue name: what is wanted, and what is found."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.config.columns import Images


@dataclass(frozen=True)
class Spot:
    """A place in a stack of images.

    row: of the catalogue. ra, dec: degrees. image: number of the image, whose middle is meant; None
    for the one in which the position lies or, where images have none, that of the row.
    """

    row: int
    ra: float = np.nan
    dec: float = np.nan
    image: int | None = None


@dataclass(frozen=True)
class CutoutsWanted:
    """Which cut-outs to make: of the first count spots that an image has.

    size: side in arcseconds; None for the whole image. longest: cells along a side; where there are
    more pixels each is the mean of several. marks: a second position for each spot, ra
    and dec in degrees, such as that of a counterpart.
    """

    spots: tuple[Spot, ...]
    count: int
    size: float | None = None
    channel: int = 0
    longest: int = 100
    marks: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Cutout:
    """A cut-out, row 0 at the bottom.

    spot: its place among those that were wanted. image: its number in the stack. pixels: (row,
    column), NaN where they are blank or beyond the edge; each is the mean of side × side of the
    image. at: column and row of the spot, within pixels; NaN where that is not known; mark: of
    the second position. arcsec: side of the cut-out; NaN where nothing says it.
    """

    spot: int
    image: int
    pixels: NDArray[np.float64]
    side: int
    at: tuple[float, float]
    mark: tuple[float, float]
    arcsec: float


@dataclass(frozen=True)
class Cutouts:
    """The cut-outs that were made. without: how many spots that came before the last have none.

    images: what is known of the images.
    """

    found: tuple[Cutout, ...]
    without: int
    images: Images
