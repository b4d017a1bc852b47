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


@dataclass(frozen=True)
class ImageStack:
    """Images of shape (n, height, width), not yet read.

    pixel_scale: arcseconds per pixel, or None. synthetic: as in a catalogue. where:
    ``file:line:column: key`` of the configuration, put before messages. whole: whether all of it
    is in the file.
    """

    name: str
    file: Path
    dataset: str
    shape: tuple[int, int, int]
    unit: str = ""
    pixel_scale: float | None = None
    synthetic: str = ""
    where: str = ""
    whole: bool = True

    def batches(
        self, size: int, start: int = 0, stop: int | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Read images from start to stop in order, size at a time; float32 (k, height, width)."""
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
                yield images


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
    if len(table.columns) > 1 or len(shape) != 3 or not pixels.is_number:
        raise SourceError(
            f"{named} has shape {shape} of {_kind(pixels)}, not (n, height, width) of numbers"
        )
    if pixels.unreadable:
        raise SourceError(f"{named} {pixels.unreadable}")
    n, height, width = shape
    return ImageStack(
        name,
        block.file,
        block.dataset,
        (n, height, width),
        block.unit,
        block.pixel_scale,
        table.synthetic,
        where,
        table.whole,
    )
