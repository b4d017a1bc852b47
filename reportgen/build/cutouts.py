"""Reads what sections on a catalogue ask for of images: cut-outs, and statistics of pixels."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.base import Analysis, CutoutAnalysis
from reportgen.cache.digests import image_digests
from reportgen.config.columns import Images
from reportgen.config.image_header import ImageSky
from reportgen.data.file_digests import FileDigests
from reportgen.data.images import ImageStack
from reportgen.data.joined import is_many
from reportgen.data.store import Store
from reportgen.errors import SectionError
from reportgen.reduce.cutouts import Cutout, Cutouts, CutoutsWanted
from reportgen.reduce.maps import (
    AboutImage,
    Batch,
    FirstMaps,
    MapReduction,
    MapsOf,
    scan_maps,
)
from reportgen.reduce.pixels import means_of
from reportgen.wording import counted

IMAGINED = 100  # pixels along a side, at most, of noise in place of an image
NOWHERE = np.nan, np.nan


def read_cutouts(
    stack: ImageStack, wanted: CutoutsWanted, rows: int, *, imagined: bool = False
) -> Cutouts:
    """Return cut-outs of a stack. rows: of the catalogue. imagined: of noise, reading no pixel.

    Raises SectionError where nothing says which image shows a row, SourceError for a damaged file.
    """
    if wanted.channel >= stack.shape[3]:
        said = f"there is no channel {wanted.channel}: {stack.place} has {stack.shape[3]}"
        raise SectionError(f"{said}, counted from 0", "choose another channel")
    found = _placed(stack, wanted, rows)
    chosen = sorted(found)[: wanted.count]
    of_images: dict[int, list[int]] = {}
    for spot in chosen:
        of_images.setdefault(found[spot][0], []).append(spot)
    made: dict[int, Cutout] = {}
    for image, spots in sorted(of_images.items()):
        pixels = _noise(stack) if imagined else _read(stack, image, wanted.channel)
        about = stack.about(image)
        sky = about.sky(*pixels.shape)
        scale = about.pixel_scale or (None if sky is None else sky.scale)
        for spot in spots:
            mark = NOWHERE
            if sky is not None and wanted.marks:
                x, y = sky.pixels(*wanted.marks[spot])
                mark = float(x), float(y)
            made[spot] = _cut(pixels, found[spot], mark, spot, scale, wanted)
    last = chosen[-1] if len(chosen) == wanted.count else len(wanted.spots) - 1
    return Cutouts(tuple(made[spot] for spot in chosen), last + 1 - len(chosen), stack.images)


def _noise(stack: ImageStack) -> NDArray[np.float32]:
    height, width = (min(length, IMAGINED) for length in stack.shape[1:3])
    return np.random.default_rng(0).random((height, width), np.float32)


def _read(stack: ImageStack, image: int, channel: int) -> NDArray[np.float32]:
    return next(stack.batches(1, image, image + 1))[0, :, :, channel]


def _placed(
    stack: ImageStack, wanted: CutoutsWanted, rows: int
) -> dict[int, tuple[int, float, float]]:
    """Return for each spot that an image shows its number, and column and row in it."""
    n, height, width, _ = stack.shape
    middle = (width - 1) / 2, (height - 1) / 2
    spots = dict(enumerate(wanted.spots))
    numbers = {k: spot.image for k, spot in spots.items() if spot.image is not None}
    if numbers:
        return {k: (image, *middle) for k, image in numbers.items() if 0 <= image < n}
    found: dict[int, tuple[int, float, float]] = {}
    is_on_sky = False
    for image, about in _headers(stack):
        left = [k for k in spots if k not in found]
        sky = _sky(about, height, width)
        is_on_sky |= sky is not None
        if sky is None or not left:
            continue
        x, y = sky.pixels([spots[k].ra for k in left], [spots[k].dec for k in left])
        seen = (np.abs(x - middle[0]) <= width / 2) & (np.abs(y - middle[1]) <= height / 2)
        found |= {left[i]: (image, float(x[i]), float(y[i])) for i in np.flatnonzero(seen)}
    if is_on_sky or not spots:
        return found
    if n != rows:
        raise SectionError(
            f"nothing says which image shows a row: {stack.place} has no WCS, and "
            f"{counted(n, 'images')} for {counted(rows, 'rows')}",
            "name the column with the number of each row's image: image: COLUMN",
        )
    return {k: (spot.row, *middle) for k, spot in spots.items()}


def _headers(stack: ImageStack) -> Iterator[tuple[int, Images]]:
    """Yield the images that may be elsewhere on the sky: those of files of their own."""
    for image in range(stack.shape[0] if is_many(stack.file) else 1):
        yield image, stack.about(image)


def _sky(about: Images, height: int, width: int) -> ImageSky | None:
    try:
        return about.sky(height, width)
    except ValueError as error:
        raise SectionError(f"the WCS of {about.title} makes no sense: {error}") from None


def _cut(  # noqa: PLR0917
    pixels: NDArray[np.float32],
    place: tuple[int, float, float],
    mark: tuple[float, float],
    spot: int,
    scale: float | None,
    wanted: CutoutsWanted,
) -> Cutout:
    """Return a square about a place, or all of an image. scale: arcseconds per pixel."""
    image, x, y = place
    size, (height, width) = wanted.size, pixels.shape
    left, bottom, across, up = 0, 0, width, height
    if size is not None and scale is None:
        raise SectionError(
            "size: needs images that say how large a pixel is",
            "give pixel_scale: in images:, or leave size: out to show whole images",
        )
    if size is not None and scale is not None:
        across = up = max(1, min(round(size / scale), 2 * max(height, width)))
        left, bottom = round(x - (across - 1) / 2), round(y - (up - 1) / 2)
    tile = np.full((up, across), np.nan, np.float32)
    rows = np.arange(max(0, bottom), min(height, bottom + up))
    columns = np.arange(max(0, left), min(width, left + across))
    tile[np.ix_(rows - bottom, columns - left)] = pixels[np.ix_(rows, columns)]
    side = -(-max(up, across) // wanted.longest)

    def inside(column: float, row: float) -> tuple[float, float]:
        return (column - left + 0.5) / side - 0.5, (row - bottom + 0.5) / side - 0.5

    arcsec = np.nan if scale is None else across * scale
    cells = means_of(tile, side)
    return Cutout(spot, image, cells, side, inside(x, y), inside(*mark), arcsec)


def with_images(
    analysis: Analysis,
    values: Mapping[str, Any],
    stack: ImageStack,
    rows: int,
    store: Store | None,
    *,
    imagined: bool = False,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of a section with those of the images it looks at, and their digests.

    rows, imagined: as in read_cutouts. store: where digests are remembered; None for no digests.
    Where each image has a file of its own, they are of all headers, too: what any of these says may
    change which is shown.
    """
    named = analysis.image_reductions()
    values = {**values, **_reduced(stack, named, imagined=imagined)}
    looked_at = [*named.values()]
    if isinstance(analysis, CutoutAnalysis):
        found = read_cutouts(stack, analysis.cutouts(**values), rows, imagined=imagined)
        values["cutouts"] = found
        images = sorted({each.image for each in found.found} or {0})
        looked_at += [FirstMaps(None, image) for image in images]
    if store is None:
        return values, {}
    contents, headers = FileDigests(store), is_many(stack.file)
    return values, image_digests(stack, None, looked_at, contents, headers=headers)


def _reduced(
    stack: ImageStack, named: Mapping[str, MapReduction[Any, Any]], *, imagined: bool
) -> dict[str, Any]:
    """Return values of images, each of which is read for itself."""
    found = {}
    for name, reduction in named.items():
        if isinstance(reduction, AboutImage):
            found[name] = stack.about(reduction.first)
            continue
        pixels = stack.batches(1, reduction.first, reduction.stop)
        batches = (_noise(stack)[np.newaxis, ..., np.newaxis],) if imagined else pixels
        numbered = (Batch(each, reduction.first + k) for k, each in enumerate(batches))
        wanted = reduction.in_unit(stack.images.unit)
        found[name] = scan_maps([wanted], numbered, _no_network)[wanted]
    return found


def _no_network(of: MapsOf, images: NDArray[np.float32]) -> NDArray[np.float32]:
    raise SectionError("maps of a network are asked for where there is none")
