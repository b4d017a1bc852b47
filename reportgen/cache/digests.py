"""Digests of what sections read: columns of a catalogue, images, the files of a network."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

from reportgen.analyses.base import (
    Analysis,
    AnyAnalysis,
    ImageAnalysis,
    NetworkAnalysis,
)
from reportgen.config.columns import RANDOM
from reportgen.data.catalogue import Catalogue
from reportgen.data.file_digests import (
    DIGEST,
    FileDigests,
    column_name,
    digest_of,
    file_digest,
    image_digest,
    stamp,
)
from reportgen.data.images import ImageStack
from reportgen.data.models import ModelFiles
from reportgen.data.sources import Sources
from reportgen.data.store import Store
from reportgen.reduce.column_digest import ColumnDigest
from reportgen.reduce.maps import MapReduction
from reportgen.reduce.scan import scan

# Names of what a section reads, before that of a column, a set of weights or a span of images.
COLUMN, WEIGHTS, IMAGES = "column ", "weights ", "images "
FILE = "file of "  # before that of a column of which not all rows are read
OTHER = "catalogue "  # before those of what is read of another catalogue than the section's
_EXPRESSION = "expression of "
_ROWS, _SHAPE, _ARCHITECTURE = "rows", "shape of images", "architecture"
HEADERS = "headers of images"
_TRAINED = "trained_with"
_IMAGES_AT_A_TIME = 32


class CatalogueDigests:
    """Digests of the columns of a catalogue, worked out in a scan of it.

    store: None to work out nothing. name: of the catalogue, if it is not the sections' own.
    """

    def __init__(self, catalogue: Catalogue, store: Store | None, name: str = "") -> None:
        self._prefix = f"{OTHER}{name}: " if name else ""
        self._catalogue = catalogue
        self._store = store
        self._before = {file: stamp(file) for file, _ in catalogue.files}
        self._found: dict[str, str] | None = None

    def reductions(self, columns: Iterable[str]) -> list[ColumnDigest]:
        """Return the reductions to compute in the scan. columns: all that it reads."""
        if self._store is None or self._catalogue.taken is not None:
            return []
        # Of a file that is linked to, no stamp tells whether it changes between two passes.
        needed = sorted(self._catalogue.needed_for(columns) & self._catalogue.places.keys())
        return [ColumnDigest(name, name in self._catalogue.linked) for name in needed]

    def remember(self, values: Mapping[Any, Any]) -> None:
        """Remember what was found, for as long as the files stay as they are.

        values: of the reductions. Nothing is known of what changed while it was read.
        """
        if self._store is None or any(stamp(file) != at for file, at in self._before.items()):
            return
        if self._catalogue.taken is not None:
            contents = FileDigests(self._store)
            files = {
                file: _remembered(file, DIGEST, partial(file_digest, file), contents, reading=True)
                for file in self._before
            }
            places = self._catalogue.places.items()
            self._found = {name: str(files[place.file]) for name, place in places}
            return
        self._found = {
            each.column: digest
            for each, digest in values.items()
            if isinstance(each, ColumnDigest) and isinstance(digest, str) and digest
        }
        of_files: dict[Path, dict[str, str]] = {}
        for name in self._found.keys() - self._catalogue.linked:
            place = self._catalogue.places[name]
            of_files.setdefault(place.file, {})[column_name(place)] = self._found[name]
        for file, found in of_files.items():
            FileDigests(self._store).remember(file, self._before[file], found)

    def of(self, columns: frozenset[str]) -> dict[str, str]:
        """Return the digest of each thing that a section reads; none where one is not known.

        Of a computed column these are its expression and the columns that it is computed of.
        """
        needed = self._catalogue.needed_for(columns)
        computed = self._catalogue.computed
        if self._found is None or not needed - computed.keys() <= self._found.keys():
            return {}
        kind = COLUMN if self._catalogue.taken is None else FILE
        found = {
            _ROWS: str(self._catalogue.rows),
            **{f"{kind}{name}": self._found[name] for name in needed - computed.keys()},
            **{f"{_EXPRESSION}{name}": repr(computed[name]) for name in needed & computed.keys()},
        }
        return {f"{self._prefix}{name}": digest for name, digest in found.items()}


def all_digests(*of_each: Mapping[str, str]) -> dict[str, str]:
    """Return the digests of what a section reads of several catalogues; none if some lack."""
    return {name: each for found in of_each for name, each in found.items()} if all(of_each) else {}


def catalogue_and_thing(name: str, analysis: AnyAnalysis) -> tuple[str, str]:
    """Return the catalogue that something is read of, and its name there, such as that of a column.

    name: as a section reads it.
    """
    if name.startswith(OTHER):
        catalogue, _, thing = name.removeprefix(OTHER).partition(": ")
        return catalogue, thing
    assert isinstance(analysis, Analysis)  # noqa: S101 - sections on images read of others alone
    return analysis.catalogue, name


def images_and_model(
    section: ImageAnalysis | Analysis, sources: Sources
) -> tuple[ImageStack, ModelFiles | None]:
    """Return the images of a section, and the network that is shown them, if there is one."""
    images = section.images if isinstance(section, ImageAnalysis) else section.looked_at
    assert images is not None  # noqa: S101 - is_of_images
    stack = sources.images[images.name]
    if isinstance(section, NetworkAnalysis):
        return stack, sources.models[section.model.name]
    return stack, None


def image_digests(
    stack: ImageStack,
    model: ModelFiles | None,
    reductions: Iterable[MapReduction[Any, Any]],
    contents: FileDigests,
    *,
    headers: bool = False,
) -> dict[str, str]:
    """Return the digest of each thing that some reductions over images and their maps read.

    headers: whether also of what the files of all images say, each of its own. Raises SourceError
    for images and OSError for files that cannot be read.
    """
    names = [_SHAPE] if model is None else [_SHAPE, _TRAINED, _ARCHITECTURE]
    names += [HEADERS] if headers else []
    for reduction in reductions:
        of = reduction.of
        if of is not None and of.weights != RANDOM:
            names.append(f"{WEIGHTS}{of.weights}")
        names.append(f"{IMAGES}{reduction.first} {reduction.stop}")
    found = {name: _of_images(name, stack, model, contents) for name in dict.fromkeys(names)}
    return {name: digest for name, digest in found.items() if digest is not None}


def _of_images(
    name: str,
    stack: ImageStack,
    model: ModelFiles | None,
    contents: FileDigests,
    *,
    reading: bool = True,
) -> str | None:
    """Return the digest of a thing that is read. reading: whether it may be read for that."""
    if name == _SHAPE:
        return repr(stack.shape[1:])
    if name == HEADERS or name.startswith(IMAGES):
        first, stop, key = 0, stack.shape[0], f"{name} of {stack.dataset}"
        if name != HEADERS:
            first, stop = map(int, name.removeprefix(IMAGES).split())
            key = f"images {first} to {stop} of {stack.dataset}"

        def digest() -> str:
            headers = [
                stack.about(place).header for place in range(first, min(stop, stack.shape[0]))
            ]
            if name == HEADERS:
                return digest_of(headers)
            pixels = image_digest(stack.batches(_IMAGES_AT_A_TIME, first, stop))
            return digest_of([pixels, stack.images.unit, headers])

        if not stack.whole:  # of other files no stamp is looked at
            return digest() if reading else None
        return _remembered(stack.file, key, digest, contents, reading)
    if model is not None and name == _TRAINED:
        return str(model.trained_with)
    files = {} if model is None else {_ARCHITECTURE: model.architecture, **model.weights}
    path = files.get(name.removeprefix(WEIGHTS))
    if path is None:
        return None
    return _remembered(path, DIGEST, partial(file_digest, path), contents, reading)


def _remembered(
    file: Path, key: str, digest: Callable[[], str], contents: FileDigests, reading: bool
) -> str | None:
    """Return a digest that is known of a file, or work it out and remember it."""
    known = contents.of(file).get(key)
    if known is not None or not reading:
        return None if known is None else str(known)
    before = stamp(file)
    found = digest()
    contents.remember(file, before, {key: found})
    return found


def known_digests(
    names: Iterable[str], analysis: AnyAnalysis, sources: Sources, contents: FileDigests
) -> dict[str, str | None]:
    """Return the digests of what a section reads without reading it; None where it must be read."""
    return {name: _known(name, analysis, sources, contents) for name in names}


def _known(name: str, analysis: AnyAnalysis, sources: Sources, contents: FileDigests) -> str | None:
    if is_of_images(analysis, name):
        return _of_images(name, *images_and_model(analysis, sources), contents, reading=False)
    if not is_of_catalogue(analysis, name):
        return None
    which, name = catalogue_and_thing(name, analysis)
    catalogue = sources.catalogues[which]
    is_whole_file = name.startswith(FILE)
    column = name.removeprefix(FILE if is_whole_file else COLUMN)
    if name == _ROWS:
        return str(catalogue.rows)
    if name.startswith(_EXPRESSION):
        expression = catalogue.computed.get(name.removeprefix(_EXPRESSION))
        return None if expression is None else repr(expression)
    if column not in catalogue.places or column in catalogue.linked:
        return None
    place = catalogue.places[column]
    found = contents.of(place.file).get(DIGEST if is_whole_file else column_name(place))
    return None if found is None else str(found)


def is_of_catalogue(section: AnyAnalysis, name: str) -> bool:
    """Say whether what a section reads is of a catalogue."""
    if isinstance(section, ImageAnalysis):
        return name.startswith(OTHER)
    return isinstance(section, Analysis) and not is_of_images(section, name)


def is_of_images(section: AnyAnalysis, name: str) -> TypeGuard[Analysis | ImageAnalysis]:
    """Say whether what a section reads is of images or of a network that is shown them."""
    if isinstance(section, ImageAnalysis):
        return not name.startswith(OTHER)
    is_looked_at = isinstance(section, Analysis) and section.looked_at is not None
    return is_looked_at and (name in {_SHAPE, HEADERS} or name.startswith(IMAGES))


def read_columns_of(catalogue: Catalogue, names: Collection[str]) -> dict[str, str]:
    """Read columns of a catalogue for their digests. names: as a section reads them."""
    wanted = {name.removeprefix(COLUMN) for name in names} & catalogue.places.keys()
    digests = scan(map(ColumnDigest, wanted), catalogue, exact_rows=0)
    places = {
        name: catalogue.places.get(name.removeprefix(FILE))
        for name in names
        if name.startswith(FILE)
    }
    files = {name: file_digest(place.file) for name, place in places.items() if place is not None}
    return {f"{COLUMN}{name}": digests[ColumnDigest(name)] for name in wanted} | files


def read_digest(name: str, section: AnyAnalysis, sources: Sources, contents: FileDigests) -> str:
    """Read images or a file of a network for its digest; name: as a section reads it.

    Raises SourceError or OSError when it cannot be read.
    """
    if not is_of_images(section, name):
        return ""
    return _of_images(name, *images_and_model(section, sources), contents) or ""
