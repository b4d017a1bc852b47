"""An image stack: images of one size, read in batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.config.loading import Report
from reportgen.data.catalogue import synthetic_mark
from reportgen.data.hdf5 import open_dataset, open_file
from reportgen.errors import SourceError


@dataclass(frozen=True)
class ImageStack:
    """Images of shape (n, height, width), not yet read.

    pixel_scale: arcseconds per pixel, or None. synthetic: as in a catalogue.
    """

    name: str
    file: Path
    dataset: str
    shape: tuple[int, int, int]
    unit: str = ""
    pixel_scale: float | None = None
    synthetic: str = ""

    def batches(self, size: int, stop: int | None = None) -> Iterator[NDArray[np.float32]]:
        """Read images in order, size at a time, up to stop; float32 (k, height, width)."""
        stop = self.shape[0] if stop is None else min(stop, self.shape[0])
        with open_file(self.file) as file:
            dataset = open_dataset(file, self.dataset)
            for start in range(0, stop, size):
                try:
                    yield np.asarray(dataset[start : min(stop, start + size)], dtype=np.float32)
                except OSError as error:
                    raise SourceError(
                        f"{self.file}: {self.dataset}: images from {start} cannot be read: {error}",
                        "the file is damaged; copy or download it again",
                    ) from None


def open_images(report: Report, name: str) -> ImageStack:
    """Check that an image stack is there and is one; SourceError says what is wrong."""
    block = report.images[name]
    where = report.place("images", name)
    with open_file(block.file, where) as file:
        dataset = open_dataset(file, block.dataset, where)
        if dataset.ndim != 3 or dataset.dtype.kind not in "iuf":
            raise SourceError(
                f"{where}: {block.file}: {block.dataset} has shape {dataset.shape} of "
                f"{dataset.dtype}, not (n, height, width) of numbers"
            )
        n, height, width = (int(length) for length in dataset.shape)
        mark = synthetic_mark(file.attrs)
    return ImageStack(
        name, block.file, block.dataset, (n, height, width), block.unit, block.pixel_scale, mark
    )
