"""Digests of what sections read: columns of a catalogue, images, the files of a network."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.base import Analysis, AnyAnalysis, NetworkAnalysis
from reportgen.config.networks import RANDOM
from reportgen.data.catalogue import Catalogue
from reportgen.data.contents import (
    DIGEST,
    ColumnDigests,
    Contents,
    column_name,
    file_digest,
    image_digest,
    stamp,
)
from reportgen.data.images import ImageStack
from reportgen.data.models import ModelFiles
from reportgen.reduce.base import Reduction, Source
from reportgen.reduce.maps import MapReduction
from reportgen.sources import Sources
from reportgen.store import Store

# Names of what a section reads, before that of a column, a set of weights or a span of images.
COLUMN, WEIGHTS, IMAGES = "column ", "weights ", "images "
_ROWS, _SHAPE, _ARCHITECTURE = "rows", "shape of images", "architecture"
_TRAINED = "trained_with"
_IMAGES_AT_A_TIME = 32


class CatalogueDigests:
    """Digests of the columns of a catalogue, worked out while it is read.

    store: None to work out nothing.
    """

    def __init__(self, catalogue: Catalogue, store: Store | None) -> None:
        self._catalogue = catalogue
        self._store = store
        self._before = {file: stamp(file) for file, _ in catalogue.files}
        self._digests = ColumnDigests()
        self._is_as_before = True

    def chunks(self, columns: frozenset[str]) -> Iterator[Mapping[str, NDArray[np.float64]]]:
        """Read some columns in chunks of rows."""
        chunks = self._catalogue.chunks(columns)
        return (
            chunks if self._store is None else self._digests.watch(chunks, self._catalogue.linked)
        )

    def remember(self) -> None:
        """Remember what was found, for as long as the files stay as they are."""
        self._is_as_before = all(stamp(file) == before for file, before in self._before.items())
        found: dict[Path, dict[str, str]] = {}
        for name, digest in self._digests.found.items():
            if name in self._catalogue.places and name not in self._catalogue.linked:
                place = self._catalogue.places[name]
                found.setdefault(place.file, {})[column_name(place)] = digest
        for file, told in found.items():
            Contents(self._store).remember(self._before[file], told)

    def of(self, reductions: Iterable[Reduction[Any, Any]], source: Source) -> dict[str, str]:
        """Give the digest of each thing that some reductions read; none where one is not known.

        It is not known of what changed while it was read.
        """
        try:
            names = _columns_read(reductions, source)
        except Exception:  # a plugin's error is its section's
            return {}
        found = {name: d for name, d in self._digests.found.items() if name in names}
        is_complete = self._store is not None and (len(found) == len(names) or not source.rows)
        if not (is_complete and self._is_as_before) or names & self._digests.changed:
            return {}
        rows = rows_text(self._catalogue)
        return {
            _ROWS: rows,
            **{f"{COLUMN}{name}": digest for name, digest in found.items()},
        }


def _columns_read(reductions: Iterable[Reduction[Any, Any]], source: Source) -> frozenset[str]:
    """Give the columns that reductions read, and those that they need to be known before."""
    names = frozenset[str]()
    for reduction in reductions:
        for each in (replace(source, exact=True), replace(source, exact=False)):
            needs = reduction.needs(each).values()
            names = names.union(reduction.columns, *(need.columns for need in needs))
    return names


def rows_text(catalogue: Catalogue) -> str:
    """Say how many rows a catalogue has and in what chunks they are read.

    How rows are split may change the last digit of a sum.
    """
    step = catalogue.chunk_rows
    return str(catalogue.rows) + (f" in chunks of {step}" if catalogue.rows > step else "")


def network_digests(
    stack: ImageStack,
    model: ModelFiles,
    reductions: Iterable[MapReduction[Any, Any]],
    contents: Contents,
) -> dict[str, str]:
    """Give the digest of each thing that some reductions over feature maps read.

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
    """Give the digests of what a section reads without reading it; None where it must be read."""
    return {name: _known(name, analysis, sources, contents) for name in names}


def _known(name: str, analysis: AnyAnalysis, sources: Sources, contents: Contents) -> str | None:
    found: object = None
    if isinstance(analysis, Analysis):
        catalogue = sources.catalogues[analysis.catalogue]
        column = name.removeprefix(COLUMN)
        if name == _ROWS:
            found = rows_text(catalogue)
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
    digests = ColumnDigests()
    deque(digests.watch(catalogue.chunks(wanted)), maxlen=0)
    return {f"{COLUMN}{name}": digest for name, digest in digests.found.items()}


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
