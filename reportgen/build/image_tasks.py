"""What the worker process of the networks does: show images to them, once for all sections."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.base import NOTES, NetworkAnalysis
from reportgen.cache.digests import network_digests
from reportgen.cache.sections import Cache, Scanned
from reportgen.cnn.architecture import read_architecture
from reportgen.cnn.exporting import ExportError, choose_extractor, export_once
from reportgen.cnn.extractor import Extractor
from reportgen.cnn.network import Network, fit_network, random_network
from reportgen.cnn.weights import read_network
from reportgen.config.columns import RANDOM
from reportgen.data.file_digests import FileDigests, stamp
from reportgen.data.hdf5 import open_file
from reportgen.data.images import ImageStack
from reportgen.data.models import ModelFiles
from reportgen.data.store import Store
from reportgen.errors import ReportgenError, SectionError, SourceError
from reportgen.reduce.maps import Batch, MapReduction, MapsOf, scan_maps
from reportgen.workers.failures import failure

# Images at a time: enough that calls cost nothing, few enough that the widest layer stays small
# (150 kB an image and filter after a first layer at full resolution).
BATCH = 8


def scan_features(
    stack: ImageStack,
    model: ModelFiles,
    analyses: Mapping[str, NetworkAnalysis],
    store: Store | None = None,
    cache: Cache | None = None,
    *,
    threads: int = 1,
) -> dict[str, Scanned]:
    """Compute all reductions of some sections on one network in one pass over its images.

    store: where exported networks are kept; None: TensorFlow exports them anew. Returns for each
    section its values, pickled by the names it gave them, with notes for its readers under NOTES
    if there are any, or why there are no values. cache: with it, no network is run for sections
    that are cached. threads: how many images may be shown to a network at once.
    """
    wanted: dict[str, Mapping[str, MapReduction[Any, Any]]] = {}
    result: dict[str, Scanned] = {}
    read: dict[str, dict[str, str]] = {}
    contents = FileDigests(cache.store if cache is not None else None)
    files = [stack.file, model.architecture, *model.weights.values()]
    before = {file: stamp(file) for file in files}
    for section_id, analysis in analyses.items():
        try:
            needed = dict(analysis.reductions())
            _check_places(needed.values(), stack)
            read[section_id] = _digests(stack, model, needed.values(), contents)
        except Exception as error:  # a plugin's error is its section's
            result[section_id] = Scanned(failure(error), {})
            continue
        if cache and cache.has(section_id, read[section_id]):
            result[section_id] = Scanned(None, read[section_id])
        else:
            wanted[section_id] = needed
    everything = [reduction for named in wanted.values() for reduction in named.values()]
    extractors = _Extractors(model, stack, store, threads)
    values = scan_maps(everything, _batches(stack, everything), extractors.maps)
    if any(stamp(file) != then for file, then in before.items()):
        # What was read may not be what the digests are of.
        read = {section_id: {} for section_id in read}
    for section_id, named in wanted.items():
        found = {name: values[reduction] for name, reduction in named.items()}
        if notes := extractors.notes(named.values()):
            found[NOTES] = notes
        result[section_id] = Scanned.of(found, read[section_id])
    return result


def export_networks(
    stack: ImageStack, model: ModelFiles, analyses: Mapping[str, NetworkAnalysis], store: Store
) -> None:
    """Export the networks whose maps some sections want, unless the store has them.

    What goes wrong is left to the pass over the images, which needs them and will say it.
    """
    _, height, width = stack.shape
    wanted: dict[MapsOf, None] = {}
    for analysis in analyses.values():
        with suppress(Exception):  # a plugin's error is its section's
            wanted |= dict.fromkeys(each.of for each in analysis.reductions().values() if each.of)
    for of in wanted:
        with suppress(ReportgenError, ExportError):
            network = _read(model, of.weights, of.seed)
            export_once(fit_network(network, network.find_layer(of.layer), height, width), store)


def _digests(
    stack: ImageStack,
    model: ModelFiles,
    reductions: Iterable[MapReduction[Any, Any]],
    contents: FileDigests,
) -> dict[str, str]:
    """Return the digests of what some reductions read; none where they serve nothing.

    What cannot be read is said, in better words, by what reads it next.
    """
    if contents.store is None:
        return {}
    try:
        return network_digests(stack, model, reductions, contents)
    except (OSError, KeyError, SourceError):
        return {}


def _check_places(reductions: Iterable[MapReduction[Any, Any]], stack: ImageStack) -> None:
    for reduction in reductions:
        if reduction.first >= stack.shape[0]:
            raise SectionError(
                f"there is no image {reduction.first}: {stack.dataset} of {stack.file} has "
                f"{stack.shape[0]}, counted from 0",
                "choose another image",
            )


def _batches(stack: ImageStack, reductions: Iterable[MapReduction[Any, Any]]) -> Iterator[Batch]:
    """Read the images that some reductions want, each once.

    A batch begins at a multiple of its size, whatever else is wanted: how images are split may
    change the last digit of a sum.
    """
    done = 0
    for start, stop in sorted({(reduction.first, reduction.stop) for reduction in reductions}):
        first, last = max(start - start % BATCH, done), stop + -stop % BATCH
        for images in stack.batches(BATCH, first, last):
            yield Batch(images, first)
            first += len(images)
        done = max(done, last)


class _Extractors:
    """Computes the maps of images; each network is read, and exported or loaded, once."""

    def __init__(
        self, model: ModelFiles, stack: ImageStack, store: Store | None, threads: int
    ) -> None:
        self._model = model
        self._stack = stack
        self._store = store
        self._threads = threads
        self._networks: dict[tuple[str, int], Network] = {}
        self._made: dict[MapsOf, Extractor] = {}

    def maps(self, of: MapsOf, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the maps of images (n, height, width) as (n, filter, row, column)."""
        if of not in self._made:
            network, (_, height, width) = self._network(of), self._stack.shape
            layer = network.find_layer(of.layer)
            self._made[of] = choose_extractor(
                network, layer, height, width, self._store, threads=self._threads
            )
        return self._made[of].maps(images)

    def notes(self, reductions: Iterable[MapReduction[Any, Any]]) -> tuple[str, ...]:
        """Return what the readers of some reductions should know, each note once."""
        used = (self._made[each.of] for each in reductions if each.of in self._made)
        return tuple(dict.fromkeys(extractor.note for extractor in used if extractor.note))

    def _network(self, of: MapsOf) -> Network:
        key = of.weights, of.seed
        if key not in self._networks:
            self._networks[key] = _read(self._model, of.weights, of.seed)
        return self._networks[key]


def model_problems(model: ModelFiles) -> list[SourceError]:
    """Read all files of a network, and say what is wrong with them."""
    attempts: list[Callable[[], object]] = [
        partial(read_architecture, model.architecture, model.where)
    ]
    # Opened first, as without an architecture nothing more could be said of them.
    attempts += [partial(_open, model, weights) for weights in model.weights]
    attempts += [partial(_read, model, weights) for weights in model.weights]
    problems: dict[str, SourceError] = {}
    for attempt in attempts:
        try:
            attempt()
        except SourceError as error:
            problems.setdefault(error.message, error)  # the same one for every set, or found twice
    return list(problems.values())


def _open(model: ModelFiles, weights: str) -> None:
    with open_file(model.weights[weights], model.places[weights]):
        pass


def _read(model: ModelFiles, weights: str, seed: int = 0) -> Network:
    if weights == RANDOM:
        architecture = read_architecture(model.architecture, model.where)
        return random_network(architecture, seed, model.trained_with)
    return read_network(
        model.architecture,
        model.weights[weights],
        model.trained_with,
        where_architecture=model.where,
        where_weights=model.places[weights],
    )
