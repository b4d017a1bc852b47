"""An image stack: images of one size, read in batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.config.loader import Report
from reportgen.data.dataset import DatasetHeader
from reportgen.data.file_digests import FileDigests
from reportgen.data.hdf5 import (
    check_filters,
    open_dataset,
    open_file,
    read_header,
    reading,
    type_on_disk,
)
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


def open_images(report: Report, name: str, contents: FileDigests | None = None) -> ImageStack:
    """Check that an image stack is there and is one; SourceError says what is wrong.

    contents: what is known of files, which are not opened for that.
    """
    block = report.images[name]
    where = report.place("images", name)

    def look() -> DatasetHeader:
        with open_file(block.file, report.place("images", name, "file")) as file:
            dataset = open_dataset(file, block.dataset, report.place("images", name, "dataset"))
            named = f"{where}: {block.file}: {block.dataset}"
            dtype, shape = type_on_disk(dataset, named), dataset.shape
            if shape is None or len(shape) != 3 or dtype.kind not in "iuf":
                raise SourceError(
                    f"{named} has shape {shape} of {dtype}, not (n, height, width) of numbers"
                )
            check_filters(dataset, named)
            return read_header(file, dataset)

    header = (contents or FileDigests()).header(block.file, f"shape of {block.dataset}", look)
    n, height, width = header.shape
    return ImageStack(
        name,
        block.file,
        block.dataset,
        (n, height, width),
        block.unit,
        block.pixel_scale,
        header.synthetic,
        where,
        header.whole,
    )
