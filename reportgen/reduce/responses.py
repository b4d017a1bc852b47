"""How the filters of a network respond to single images, and to images with a part hidden."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from reportgen.reduce.maps import AlteredImages, Integers, MapReduction, Maps, Values, whole_images

Places = tuple[int, list[Integers]]
Changes = tuple[Values, list[Values]] | None


@dataclass(frozen=True)
class WholeImages(MapReduction[Places, Integers]):
    """Places in the stack of the images that have no pixel that is not finite."""

    takes_blank: ClassVar[bool] = True

    def start(self) -> Places:
        return 0, []

    def update(self, state: Places, maps: Maps) -> Places:
        return self.merge(state, (len(maps), [np.flatnonzero(whole_images(maps))]))

    def merge(self, first: Places, second: Places) -> Places:
        moved = [places + first[0] for places in second[1]]
        return first[0] + second[0], first[1] + moved

    def finish(self, state: Places) -> Integers:
        return self.first + np.concatenate([np.empty(0, np.int64), *state[1]])


@dataclass(frozen=True)
class PoolMaps(MapReduction[list[Values], Values]):
    """Mean and highest activation of each map, (2, image, filter), of images without blanks."""

    def start(self) -> list[Values]:
        return []

    def update(self, state: list[Values], maps: Maps) -> list[Values]:
        mean, highest = maps.mean(axis=(2, 3), dtype=np.float64), maps.max(axis=(2, 3))
        return [*state, np.stack([mean, highest.astype(np.float64)])]

    def merge(self, first: list[Values], second: list[Values]) -> list[Values]:
        return first + second

    def finish(self, state: list[Values]) -> Values:
        return np.concatenate(state, axis=1) if state else np.empty((2, 0, 0))


@dataclass(frozen=True)
class Squares:
    """Squares of an image that are hidden one by one; first: of their rows and columns; side."""

    rows: Integers
    columns: Integers
    side: int

    @staticmethod
    def of(shape: tuple[int, ...], steps: int) -> "Squares":
        """Return so many squares along each side; along the shorter one they overlap by half.

        shape: rows and columns of the image.
        """
        side = max(1, round(2 * min(shape) / (steps + 1)))
        rows, columns = (
            np.rint(np.linspace(0, length - side, steps)).astype(np.int64) for length in shape
        )
        return Squares(rows, columns, side)


@dataclass(frozen=True)
class OccludeImage(AlteredImages[Changes, Values | None]):
    """How much of the maps changes where a square of an image is hidden, (row, column) of squares.

    It is the size of the difference over that of the maps, sizes being roots of sums of squares of
    all activations; NaN where all are 0. A square is filled with the median of its channel. After
    Zeiler & Fergus (2014, ECCV 818). steps: squares along each side.
    """

    steps: int = 11

    def altered(self, images: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        image = images[:1]
        yield image
        squares = Squares.of(image.shape[1:3], self.steps)
        middle = np.median(image, axis=(1, 2))
        for row in squares.rows:
            hidden = image.repeat(self.steps, axis=0)
            for each, column in zip(hidden, squares.columns, strict=True):
                each[row : row + squares.side, column : column + squares.side] = middle
            yield hidden

    def start(self) -> Changes:
        return None

    def update(self, state: Changes, maps: Maps) -> Changes:
        exact = maps.astype(np.float64)
        if state is None:
            return exact[0], []
        return state[0], [*state[1], np.sqrt(((exact - state[0]) ** 2).sum(axis=(1, 2, 3)))]

    def merge(self, first: Changes, second: Changes) -> Changes:
        return second if first is None else first

    def finish(self, state: Changes) -> Values | None:
        if state is None:
            return None
        size = float(np.sqrt((state[0] ** 2).sum()))
        return np.array(state[1]) / size if size else np.full((self.steps, self.steps), np.nan)


def principal(values: Values, n: int) -> tuple[Values, Values]:
    """Return places along the first n principal components, (row, n), and their shares, (n,).

    values: (row, column); shares: of all variance, NaN where there is none. The sign of a component
    is that of its largest element, the first of any as large, is positive.
    """
    centred = values - values.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    directions = directions[:, ::-1][:, :n]
    most = np.argmax(np.abs(directions), axis=0)
    directions = directions * np.sign(directions[most, np.arange(directions.shape[1])])
    total = float(np.maximum(variances, 0).sum())
    shares = np.maximum(variances[::-1][:n], 0) / total if total > 0 else np.full(n, np.nan)
    return centred @ directions, shares
