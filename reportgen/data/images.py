"""An image stack: images of one size, read in batches."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.config.columns import Images
from reportgen.config.image_header import Beam
from reportgen.config.loader import Report
from reportgen.data.dataset import ColumnPlace
from reportgen.data.file_digests import FileDigests, stamp
from reportgen.data.format import FileTable, TableError
from reportgen.data.joined import is_many, members
from reportgen.data.opening import (
    describe_here,
    describe_tables,
    format_of,
    open_stack,
    remember_tables,
)
from reportgen.errors import SourceError

_HINT = (
    "images are (n, height, width) numbers; in colour (n, height, width, channels) or "
    "(n, channels, height, width), with fewer channels than rows and columns"
)


@dataclass(frozen=True)
class ImageStack:
    """Images of shape (n, height, width, channels), not yet read; grey ones have one channel.

    file: or a folder or pattern of files with one image each. axes: those of the dataset in this
    order, of which grey images have three. unit: of a pixel. images: as sections know the first.
    synthetic: as in a catalogue. where: ``file:line:column: key`` of the configuration, put before
    messages. whole: whether all of it is in the file. format: ``FITS file``. remarks: what one
    should know of its unit and header.
    """

    name: str
    file: Path
    dataset: str
    shape: tuple[int, int, int, int]
    axes: tuple[int, ...] = (0, 1, 2)
    images: Images = field(default=Images(""))
    synthetic: str = ""
    where: str = ""
    whole: bool = True
    format: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The file and the dataset, for messages."""
        return f"{self.dataset} of {self.file}" if self.dataset else str(self.file)

    def batches(
        self, size: int, start: int = 0, stop: int | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Read images from start to stop in order, size at a time.

        Yields float32 (k, height, width, channels).
        """
        stop = self.shape[0] if stop is None else min(stop, self.shape[0])
        place = ColumnPlace(self.file, self.dataset, where=self.where)
        with open_stack(place) as read:
            for first in range(start, stop, size):
                last = min(stop, first + size)
                raw = read(first, last)
                if len(raw) != last - first:
                    said = f"there are only {first + len(raw)} left of {stop}"
                    raise SourceError(
                        f"{place.said}: {said}", "it was changed meanwhile; build again"
                    )
                with np.errstate(over="ignore", invalid="ignore"):
                    images = np.asarray(raw, dtype=np.float32)
                del raw  # an image may be large
                yield images.transpose(self.axes).reshape(len(images), *self.shape[1:])

    def about(self, place: int) -> Images:
        """Return what the header of one image says of it; SourceError where it cannot be read."""
        if not (self.images.header and is_many(self.file)):
            return self.images
        found = describe_here((members(self.file)[place], self.dataset), images=True)
        if isinstance(found, SourceError):
            raise SourceError(f"{self.where}: {found.message}", found.hint)
        return replace(self.images, header=found.header)


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


def open_images(report: Report, name: str, contents: FileDigests | None = None) -> ImageStack:
    """Check that an image stack is there and is one; SourceError says what is wrong.

    contents: what is known of files, which are not opened for that.
    """
    block = report.images[name]
    key, known = (block.file, block.dataset or ""), contents or FileDigests()
    before = stamp(block.file)
    table = describe_tables([key], known, images=True)[key]
    if isinstance(table, SourceError):
        is_dataset = isinstance(table, TableError) and block.dataset is not None
        place = report.place("images", name, "dataset" if is_dataset else "file")
        raise SourceError(f"{place}: {table.message}", table.hint)
    remember_tables({key: table}, {block.file: before}, known, images=True)
    where = report.place("images", name)
    shape, axes = checked_shape(table, f"{where}: {block.file}: {block.dataset or ''}".rstrip(": "))
    images = block.described(name)
    unit = table.columns[0].unit if block.unit is None else block.unit
    images = replace(images, unit=unit, header=table.header)
    is_known = table.columns[0].unit_is_known or block.unit is not None
    return ImageStack(
        name,
        block.file,
        block.dataset or "",
        shape,
        axes,
        images,
        table.synthetic,
        where,
        table.whole,
        table.format.split(maxsplit=1)[-1],
        tuple(image_remarks(images, shape, is_known=is_known)),
    )


def described_images(file: Path, dataset: str) -> dict[str, FileTable | SourceError]:
    """Return what the images of a file, folder or pattern are, by dataset; none of other files.

    dataset: the one that is wanted, or empty. Raises SourceError for a file that cannot be read.
    """
    names = [dataset]
    if not (dataset or is_many(file)):
        names = format_of(file).images.datasets(file)
    found = describe_tables([(file, name) for name in names], FileDigests(), images=True)
    return {name: found[file, name] for name in names}


def checked_shape(
    table: FileTable, named: str
) -> tuple[tuple[int, int, int, int], tuple[int, ...]]:
    """Return (n, height, width, channels) of a table of images, and which of its axes these are.

    Raises SourceError where it holds no images. named: what stands before its message.
    """
    pixels = table.columns[0]
    shape = (table.rows, *pixels.shape)
    axes = _axes(shape)
    if len(table.columns) > 1 or not axes or not pixels.is_number:
        kind = np.dtype(pixels.dtype).name if pixels.is_number else "texts or others"
        said = f"has shape {shape} of {kind}, not that of images"
        if len(table.columns) > 1:
            said = f"holds a table of {len(table.columns)} columns, not images"
        raise SourceError(f"{named} {said}", _HINT)
    if pixels.unreadable:
        raise SourceError(f"{named} {pixels.unreadable}")
    n, height, width, channels = [*(shape[axis] for axis in axes), 1][:4]
    return (n, height, width, channels), axes


@dataclass(frozen=True)
class ImageFacts:
    """What a file says of its images. pixel_scale: arcseconds. centre: of the first, as text."""

    shape: tuple[int, int, int, int]
    unit: str
    pixel_scale: float | None = None
    centre: str = ""
    beam: Beam | None = None


def image_facts(table: FileTable) -> ImageFacts:
    """Return what is known of images in a file; SourceError where it holds none."""
    shape, _ = checked_shape(table, "it")
    _, height, width, _ = shape
    images = Images("", unit=table.columns[0].unit, header=table.header)
    facts = ImageFacts(shape, images.unit, beam=images.beam)
    try:
        sky = images.sky(height, width)
    except ValueError as error:
        return replace(facts, centre=f"its WCS makes no sense: {error}")
    if sky is None:
        return facts
    centre = sky.title((width - 1) / 2, (height - 1) / 2)
    return replace(facts, pixel_scale=sky.scale, centre=centre)


def image_remarks(
    images: Images, shape: tuple[int, int, int, int], *, is_known: bool
) -> Iterator[str]:
    """Say what is strange about the unit and the header of images, a sentence each.

    is_known: whether astropy reads the unit.
    """
    if not is_known:
        yield f"astropy does not know the unit {images.unit!r}; it is shown as it is"
    try:
        images.sky(*shape[1:3])
    except ValueError as error:
        said = f"the WCS of its header makes no sense ({error}), so that axes are in pixels"
        yield f"{said}; pixel_scale: gives them in arcseconds"
