"""An image stack: images of one size, read in batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.config.loader import Report
from reportgen.data.file_digests import FileDigests, stamp
from reportgen.data.format import FileColumn, TableError
from reportgen.data.hdf5 import open_dataset, open_file, reading
from reportgen.data.opening import describe_tables, remember_tables
from reportgen.errors import SourceError

_HINT = (
    "images are (n, height, width) numbers; in colour (n, height, width, channels) or "
    "(n, channels, height, width), with fewer channels than rows and columns"
)


@dataclass(frozen=True)
class ImageStack:
    """Images of shape (n, height, width, channels), not yet read; grey ones have one channel.

    axes: those of the dataset in this order, of which grey images have three. pixel_scale:
    arcseconds per pixel, or None. synthetic: as in a catalogue. where: ``file:line:column: key`` of
    the configuration, put before messages. whole: whether all of it is in the file.
    """

    name: str
    file: Path
    dataset: str
    shape: tuple[int, int, int, int]
    axes: tuple[int, ...] = (0, 1, 2)
    unit: str = ""
    pixel_scale: float | None = None
    synthetic: str = ""
    where: str = ""
    whole: bool = True

    def batches(
        self, size: int, start: int = 0, stop: int | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Read images from start to stop in order, size at a time.

        Yields float32 (k, height, width, channels).
        """
        stop = self.shape[0] if stop is None else min(stop, self.shape[0])
        with open_file(self.file, self.where) as file:
            dataset = open_dataset(file, self.dataset, self.where)
            for first in range(start, stop, size):
                last = min(stop, first + size)
                with reading(self.file, self.dataset, f"images {first} to {last}", self.where):
                    raw = dataset[first:last]
                    if len(raw) != last - first:
                        raise ValueError(f"there are only {first + len(raw)} left of {stop}")
                with np.errstate(over="ignore", invalid="ignore"):
                    images = np.asarray(raw, dtype=np.float32)
                yield images.transpose(self.axes).reshape(len(images), *self.shape[1:])


def _axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of images, rows, columns, and of channels if there are any; else none.

    Channels are fewer than rows and columns, and stand before or after them.
    """
    match shape:
        case (_, _, _):
            return 0, 1, 2
        case (_, rows, columns, channels) if channels < min(rows, columns):
            return 0, 1, 2, 3
        case (_, channels, rows, columns) if channels < min(rows, columns):
            return 0, 2, 3, 1
    return ()


def _kind(pixels: FileColumn) -> str:
    return np.dtype(pixels.dtype).name if pixels.is_number else "texts or others"


def open_images(report: Report, name: str, contents: FileDigests | None = None) -> ImageStack:
    """Check that an image stack is there and is one; SourceError says what is wrong.

    contents: what is known of files, which are not opened for that.
    """
    block = report.images[name]
    where = report.place("images", name)

    key, known = (block.file, block.dataset), contents or FileDigests()
    before = stamp(block.file)
    table = describe_tables([key], known)[key]
    if isinstance(table, SourceError):
        place = report.place("images", name, "dataset" if isinstance(table, TableError) else "file")
        raise SourceError(f"{place}: {table.message}", table.hint)
    remember_tables({key: table}, {block.file: before}, known)
    pixels = table.columns[0]
    shape, named = (table.rows, *pixels.shape), f"{where}: {block.file}: {block.dataset}"
    axes = _axes(shape)
    if len(table.columns) > 1 or not axes or not pixels.is_number:
        said = f"{named} has shape {shape} of {_kind(pixels)}, not that of images"
        raise SourceError(said, _HINT)
    if pixels.unreadable:
        raise SourceError(f"{named} {pixels.unreadable}")
    n, height, width, channels = [*(shape[axis] for axis in axes), 1][:4]
    return ImageStack(
        name,
        block.file,
        block.dataset,
        (n, height, width, channels),
        axes,
        block.unit,
        block.pixel_scale,
        table.synthetic,
        where,
        table.whole,
    )
