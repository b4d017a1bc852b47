"""Digests of what sections read: columns of a catalogue, images, the files of a network."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reportgen.analyses.base import Analysis, AnyAnalysis, NetworkAnalysis
from reportgen.config.networks import RANDOM
from reportgen.data.catalogue import Catalogue
from reportgen.data.contents import (
    DIGEST,
    Contents,
    column_name,
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
_ROWS, _SHAPE, _ARCHITECTURE = "rows", "shape of images", "architecture"
_TRAINED = "trained_with"
_IMAGES_AT_A_TIME = 32


class CatalogueDigests:
    """Digests of the columns of a catalogue, worked out in a scan of it.

    store: None to work out nothing.
    """

    def __init__(self, catalogue: Catalogue, store: Store | None) -> None:
        self._catalogue = catalogue
        self._store = store
        self._before = {file: stamp(file) for file, _ in catalogue.files}
        self._found: dict[str, str] | None = None

    def reductions(self, columns: Iterable[str]) -> list[ColumnDigest]:
        """Return the reductions to compute in the scan. columns: all that it reads."""
        if self._store is None:
            return []
        # Of a file that is linked to, no stamp tells whether it changes between two passes.
        return [ColumnDigest(name, name in self._catalogue.linked) for name in columns]

    def remember(self, values: Mapping[Any, Any]) -> None:
        """Remember what was found, for as long as the files stay as they are.

        values: of the reductions. Nothing is known of what changed while it was read.
        """
        if self._store is None or any(stamp(file) != at for file, at in self._before.items()):
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
            Contents(self._store).remember(self._before[file], found)

    def of(self, columns: frozenset[str]) -> dict[str, str]:
        """Return the digest of each thing that a section reads; none where one is not known."""
        if self._found is None or not columns <= self._found.keys():
            return {}
        return {
            _ROWS: str(self._catalogue.rows),
            **{f"{COLUMN}{name}": self._found[name] for name in columns},
        }


def network_digests(
    stack: ImageStack,
    model: ModelFiles,
    reductions: Iterable[MapReduction[Any, Any]],
    contents: Contents,
) -> dict[str, str]:
    """Return the digest of each thing that some reductions over feature maps read.

    Raises SourceError for images and OSError for files that cannot be read.
    """
    digests = {
        _SHAPE: repr(stack.shape[1:]),
        _TRAINED: str(model.trained_with),
        _ARCHITECTURE: _of_file(model.architecture, contents),
    }
    for reduction in reductions:
        of = reduction.of
        if of is not None and of.weights != RANDOM:
            digests[f"{WEIGHTS}{of.weights}"] = _of_file(model.weights[of.weights], contents)
        name = f"{IMAGES}{reduction.first} {reduction.stop}"
        if name not in digests:
            digests[name] = _of_images(stack, reduction.first, reduction.stop, contents)
    return digests


def _of_images(stack: ImageStack, first: int, stop: int, contents: Contents) -> str:
    name = _images_name(stack, first, stop)
    known = contents.of(stack.file).get(name) if stack.whole else None
    if known is not None:
        return str(known)
    before = stamp(stack.file)
    digest = image_digest(stack.batches(_IMAGES_AT_A_TIME, first, stop))
    if stack.whole:
        contents.remember(before, {name: digest})
    return digest


def _images_name(stack: ImageStack, first: int, stop: int) -> str:
    return f"images {first} to {stop} of {stack.dataset}"


def _of_file(path: Path, contents: Contents) -> str:
    known = contents.of(path).get(DIGEST)
    if known is not None:
        return str(known)
    before = stamp(path)
    digest = file_digest(path)
    contents.remember(before, {DIGEST: digest})
    return digest


def known_digests(
    names: Iterable[str], analysis: AnyAnalysis, sources: Sources, contents: Contents
) -> dict[str, str | None]:
    """Return the digests of what a section reads without reading it; None where it must be read."""
    return {name: _known(name, analysis, sources, contents) for name in names}


def _known(name: str, analysis: AnyAnalysis, sources: Sources, contents: Contents) -> str | None:
    found: object = None
    if isinstance(analysis, Analysis):
        catalogue = sources.catalogues[analysis.catalogue]
        column = name.removeprefix(COLUMN)
        if name == _ROWS:
            found = catalogue.rows
        elif column in catalogue.places and column not in catalogue.linked:
            place = catalogue.places[column]
            found = contents.of(place.file).get(column_name(place))
    elif isinstance(analysis, NetworkAnalysis):
        stack = sources.images[analysis.images.name]
        model = sources.models[analysis.model.name]
        if name == _SHAPE:
            found = repr(stack.shape[1:])
        elif name == _TRAINED:
            found = str(model.trained_with)
        elif name == _ARCHITECTURE:
            found = contents.of(model.architecture).get(DIGEST)
        elif name.startswith(WEIGHTS) and name.removeprefix(WEIGHTS) in model.weights:
            found = contents.of(model.weights[name.removeprefix(WEIGHTS)]).get(DIGEST)
        elif name.startswith(IMAGES) and stack.whole:
            first, stop = map(int, name.removeprefix(IMAGES).split())
            found = contents.of(stack.file).get(_images_name(stack, first, stop))
    return None if found is None else str(found)


def read_columns_of(catalogue: Catalogue, names: Iterable[str]) -> dict[str, str]:
    """Read columns of a catalogue for their digests. names: as a section reads them."""
    wanted = {name.removeprefix(COLUMN) for name in names} & catalogue.places.keys()
    digests = scan(map(ColumnDigest, wanted), catalogue, exact_rows=0)
    return {f"{COLUMN}{name}": digests[ColumnDigest(name)] for name in wanted}


def read_digest(name: str, section: AnyAnalysis, sources: Sources, contents: Contents) -> str:
    """Read images or a file of a network for its digest; name: as a section reads it.

    Raises SourceError or OSError when it cannot be read.
    """
    if not isinstance(section, NetworkAnalysis):
        return ""
    model = sources.models[section.model.name]
    if name.startswith(IMAGES):
        first, stop = map(int, name.removeprefix(IMAGES).split())
        return _of_images(sources.images[section.images.name], first, stop, contents)
    weights = model.weights.get(name.removeprefix(WEIGHTS))
    return _of_file(model.architecture if weights is None else weights, contents)
