"""FITS images: planes, cubes and stacks in any HDU, packed in tiles or not."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.data.fits import SYNTHETIC_CARD, FitsTable, find_hdu, open_fits
from reportgen.data.fits_columns import Hdu, read_hdus
from reportgen.data.format import FileColumn, FileTable, ReadValues, TableError, Wanted
from reportgen.data.unpacking import DAMAGED, no_warnings, reading_file, reason
from reportgen.errors import SourceError

_TYPES = {8: "|u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_MOST_COLOURS = 4  # channels, where they are the last axis


class FitsImages(FitsTable):
    """The images of a FITS file. Axes of one step, as radio images have them, are left out."""

    def datasets(self, path: Path) -> list[str]:
        with reading_file(), open_fits(path) as stream:
            return [str(hdu.number) for hdu in read_hdus(stream) if hdu.is_image]

    def describe(self, path: Path, dataset: str) -> FileTable:
        with reading_file(), open_fits(path) as stream:
            hdu = find_hdu(stream, dataset, "image")
            header, (n, *image) = hdu.header, _stack(hdu)
            scaled = (header.get("BSCALE") or 1, header.get("BZERO") or 0) != (1, 0)
            dtype = "<f8" if scaled else _TYPES.get(header.get(f"{hdu.letter}BITPIX"), "<f8")
            unit = header.text("BUNIT") if isinstance(header.get("BUNIT"), str) else ""
            pixels = FileColumn("pixels", dtype, tuple(image), unit)
            synthetic = header.text(SYNTHETIC_CARD)
            return FileTable(n, (pixels,), synthetic, header=header.described)

    @contextmanager
    def open(self, path: Path, dataset: str, wanted: Sequence[Wanted] = ()) -> Iterator[ReadValues]:
        from astropy.io import fits

        with reading_file(), open_fits(path) as stream:
            hdu = find_hdu(stream, dataset, "image")
            n, *image = _stack(hdu)
        shape = hdu.axes[::-1]
        axis = next(iter(_stacked(shape)), None)
        with ExitStack() as stack:
            with _reading(hdu):  # not mapped: a file cut off meanwhile would end the process
                opened = stack.enter_context(fits.open(path, memmap=False))

            def read(start: int, stop: int) -> list[NDArray[Any]]:
                wanted = range(n)[start:stop]
                if not wanted:
                    return [np.empty((0, *image), np.float32)]
                at = [slice(None)] * len(shape)
                if axis is not None:
                    at[axis] = slice(wanted.start, wanted.stop)
                with _reading(hdu):
                    pixels = np.asarray(opened[hdu.number].section[*at])
                    return [pixels.reshape(len(wanted), *image)]

            yield read


@contextmanager
def _reading(hdu: Hdu) -> Iterator[None]:
    """Turn what astropy raises, of any kind, for pixels that are damaged into a SourceError."""
    try:
        with no_warnings():
            yield
    except Exception as error:
        said = f"the pixels of HDU {hdu.number} cannot be read: {reason(error)}"
        raise SourceError(said, DAMAGED) from None


def _stack(hdu: Hdu) -> tuple[int, ...]:
    """Return how many images an HDU holds, and their shape; TableError for no stack of images."""
    shape = hdu.axes[::-1]
    stacked = [shape[axis] for axis in _stacked(shape)]
    if len(stacked) > 1 and not (_is_colour_last(shape) or stacked[-1] < min(shape[-2:])):
        stacked.append(0)
    if len(stacked) > 2:
        said = f"HDU {hdu.number} has {hdu.shape} values, in more axes than a stack of images"
        raise TableError(said, "images are planes of columns and rows, perhaps with channels")
    return (*(stacked or [1]), *shape[-2:])


def _stacked(shape: Sequence[int]) -> list[int]:
    """Return the axes of more than one step besides rows and columns."""
    if _is_colour_last(shape):
        return [0, 1]  # one image in colour is a stack, too
    return [axis for axis, length in enumerate(shape[:-2]) if length > 1]


def _is_colour_last(shape: Sequence[int]) -> bool:
    return len(shape) == 4 and shape[-1] <= _MOST_COLOURS < min(shape[1:3])
