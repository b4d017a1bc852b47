"""What the worker process of images does: read them, and show them to networks, once for all."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.base import ImageAnalysis
from reportgen.build.cutouts import read_cutouts
from reportgen.cache.digests import CatalogueDigests, all_digests, image_digests
from reportgen.cache.sections import Cache, Scanned
from reportgen.cnn.architecture import read_architecture
from reportgen.cnn.exporting import make_extractor
from reportgen.cnn.network import Fitted, Network, fit_network, random_network
from reportgen.cnn.weights import read_network
from reportgen.config.columns import RANDOM
from reportgen.data.catalogue import Catalogue
from reportgen.data.file_digests import FileDigests, stamp
from reportgen.data.hdf5 import open_file
from reportgen.data.images import ImageStack
from reportgen.data.models import ModelFiles
from reportgen.data.store import Store
from reportgen.errors import ReportgenError, SectionError, SourceError
from reportgen.reduce.cutouts import CutoutsWanted
from reportgen.reduce.executors import Executor, Inline, Processes, Threads
from reportgen.reduce.maps import (
    AboutImage,
    Batch,
    MapReduction,
    MapsOf,
    MapStates,
    finished,
    map_states,
    merged,
    scan_maps,
)
from reportgen.reduce.partitions import merge_pairwise, parts
from reportgen.reduce.pixels import DescribePixels
from reportgen.reduce.rows import ReadRows
from reportgen.reduce.scan import Failure, attempt, scan
from reportgen.wording import counted
from reportgen.workers.failures import failure

if TYPE_CHECKING:
    from reportgen.reduce.dask_executor import Dask

# Images at a time: enough that calls cost nothing, few enough that the widest layer stays small
# (150 kB an image and filter after a first layer at full resolution).
BATCH = 8
LEAF = 2 * BATCH  # images of a state: states are merged in a fixed tree, whoever makes them
MANY = 1000  # images for which processes and a cluster are worth their while
IMAGINED = 256  # pixels along a side of noise in place of an image that may be large


def scan_features(
    stack: ImageStack,
    model: ModelFiles | None,
    analyses: Mapping[str, ImageAnalysis],
    store: Store,
    cache: Cache | None = None,
    *,
    threads: int = 1,
    dask: "Dask | None" = None,
    catalogues: Mapping[str, Catalogue] | None = None,
) -> dict[str, Scanned]:
    """Compute all reductions of some sections on images, and one network, in one pass over them.

    model: None where no network is shown them. store: where exported networks are kept. Returns for
    each section its values, pickled by the names it gave them, or why there are none. cache: with
    it, no network is run for sections that are cached. threads: how many images may be shown to a
    network at once. dask: what shows them to networks where there are MANY of them. catalogues:
    those that name images.
    """
    wanted: dict[str, Mapping[str, MapReduction[Any, Any]]] = {}
    result: dict[str, Scanned] = {}
    read: dict[str, dict[str, str]] = {}
    names: dict[str, dict[str, Any]] = {}
    contents = FileDigests(cache.store if cache is not None else None)
    files = [stack.file, *(() if model is None else model.files)]
    before = {file: stamp(file) for file in files}
    for section_id, analysis in analyses.items():
        try:
            needed = wanted_reductions(analysis, stack)
            digests = _digests(stack, model, needed.values(), contents)
            names[section_id], of_names = _names(analysis, stack, catalogues or {}, contents.store)
            read[section_id] = digests if of_names is None else all_digests(digests, of_names)
        except Exception as error:  # a plugin's error is its section's
            result[section_id] = Scanned(failure(error), {})
            continue
        if cache and cache.has(section_id, read[section_id]):
            result[section_id] = Scanned(None, read[section_id])
        else:
            wanted[section_id] = needed
    everything = [reduction for named in wanted.values() for reduction in named.values()]
    values = _values(stack, model, everything, store, threads=threads, dask=dask)
    for each in everything:
        if isinstance(each, AboutImage):
            values[each] = attempt(stack.about, each.first)
    if any(stamp(file) != then for file, then in before.items()):
        # What was read may not be what the digests are of.
        read = {section_id: {} for section_id in read}
    for section_id, named in wanted.items():
        found = {name: values[reduction] for name, reduction in named.items()}
        found = _with_cutouts(analyses[section_id], found | names[section_id], stack)
        result[section_id] = Scanned.of(found, read[section_id])
    return result


def _values(
    stack: ImageStack,
    model: ModelFiles | None,
    reductions: Iterable[MapReduction[Any, Any]],
    store: Store,
    *,
    threads: int,
    dask: "Dask | None",
) -> dict[MapReduction[Any, Any], Any]:
    """Return the value of each reduction, or a Failure."""
    wanted = tuple(dict.fromkeys(reductions))
    last = min(stack.shape[0], max((each.stop for each in wanted), default=0))
    executor: Executor = Inline(size=LEAF)  # images that no network is shown may be large
    extractors: dict[MapsOf, Any] = {}
    if model is not None:
        if threads > 1:  # processes take a second to start
            at_once = Processes if last > MANY else Threads
            executor = at_once(threads, size=LEAF)
        networks = _Networks(model, stack)
        for of in dict.fromkeys(each.of for each in wanted if each.of is not None):
            extractors[of] = attempt(lambda of=of: make_extractor(networks.fitted(of), store))
        if dask is not None and last > MANY:
            executor = replace(dask, size=LEAF, noun="images")
            stack = replace(stack, file=stack.file.absolute())
    work = _Pass(stack, wanted, extractors, BATCH if model is not None else 1)
    return finished(executor.run(range(last), work.task, merged))


@dataclass(frozen=True)
class _Pass:
    """A pass over images. extractors: of the maps that are wanted, or why there is none."""

    stack: ImageStack
    reductions: tuple[MapReduction[Any, Any], ...]
    extractors: Mapping[MapsOf, Any]
    size: int

    def task(self, images: range) -> MapStates:
        """Return the state of each reduction after some images."""
        leaves = (self._batches(leaf) for leaf in parts(images, LEAF))
        states = (map_states(self.reductions, batches, self._maps) for batches in leaves)
        return merge_pairwise(states, merged)

    def _batches(self, leaf: range) -> Iterator[Batch]:
        return _batches(self.stack, self.reductions, self.size, leaf)

    def _maps(self, of: MapsOf, images: NDArray[np.float32]) -> NDArray[np.float32]:
        extractor = self.extractors.get(of)
        if extractor is None:
            raise SectionError("maps of a network are asked for where there is none")
        if isinstance(extractor, Failure):
            raise extractor.error
        found: NDArray[np.float32] = extractor.maps(images)
        return found


def _names(
    analysis: ImageAnalysis,
    stack: ImageStack,
    catalogues: Mapping[str, Catalogue],
    store: Store | None = None,
) -> tuple[dict[str, Any], dict[str, str] | None]:
    """Return what a catalogue calls the images, as ``names``, and its digests; None without one."""
    if analysis.named_by is None:
        return {}, None
    which, column = analysis.named_by
    catalogue, images = catalogues[which], stack.shape[0]
    if catalogue.rows < images:
        raise SectionError(
            f"{which} has {counted(catalogue.rows, 'rows')} for {counted(images, 'images')} of "
            f"{stack.name}",
            "it must have one for each image, in the same order",
        )
    digests, wanted = CatalogueDigests(catalogue, store, which), ReadRows(column.name, 0, images)
    values = scan([wanted, *digests.reductions([column.name])], catalogue, exact_rows=0)
    digests.remember(values)
    return {"names": values[wanted]}, digests.of(frozenset([column.name]))


def _with_cutouts(
    analysis: ImageAnalysis, values: dict[str, Any], stack: ImageStack, *, imagined: bool = False
) -> dict[str, Any]:
    """Return the values of a section with the images that it asks for by them."""
    if any(isinstance(value, Failure) for value in values.values()):
        return values
    wanted = attempt(analysis.cutouts, **values)
    if isinstance(wanted, CutoutsWanted):
        wanted = attempt(read_cutouts, stack, wanted, 0, imagined=imagined)
    return values if wanted is None else {**values, "cutouts": wanted}


def imagine_features(
    stack: ImageStack,
    model: ModelFiles | None,
    analyses: Mapping[str, ImageAnalysis],
    catalogues: Mapping[str, Catalogue] | None = None,
) -> dict[str, Scanned]:
    """Return what ``scan_features`` does, of noise in place of images and of their maps.

    So sections show which results they have; no pixel is read and no network run. Images that no
    network is shown may be large: their noise is not.
    """
    noise = np.random.default_rng(0)
    networks = None if model is None else _Networks(model, stack)
    _, height, width, channels = stack.shape
    if networks is None:
        height, width = min(height, IMAGINED), min(width, IMAGINED)
    shape = 2, height, width, channels

    def maps(of: MapsOf, images: NDArray[np.float32]) -> NDArray[np.float32]:
        if networks is None:
            raise SectionError("maps of a network are asked for where there is none")
        return noise.random((len(images), *networks.fitted(of).shape), np.float32)

    result = {}
    for section_id, analysis in analyses.items():
        try:
            wanted = wanted_reductions(analysis, stack)
            firsts = sorted({reduction.first for reduction in wanted.values()})
            batches = (Batch(noise.random(shape, np.float32), first) for first in firsts)
            values = scan_maps(wanted.values(), batches, maps)
            for each in wanted.values():
                if isinstance(each, AboutImage):
                    values[each] = attempt(stack.about, each.first)
            found = {name: values[reduction] for name, reduction in wanted.items()}
            found |= _names(analysis, stack, catalogues or {})[0]
            found = _with_cutouts(analysis, found, stack, imagined=True)
            result[section_id] = Scanned.of(found, {})
        except Exception as error:  # a plugin's error is its section's
            result[section_id] = Scanned(failure(error), {})
    return result


def _digests(
    stack: ImageStack,
    model: ModelFiles | None,
    reductions: Iterable[MapReduction[Any, Any]],
    contents: FileDigests,
) -> dict[str, str]:
    """Return the digests of what some reductions read; none where they serve nothing.

    What cannot be read is said, in better words, by what reads it next.
    """
    if contents.store is None:
        return {}
    try:
        return image_digests(stack, model, reductions, contents)
    except (OSError, KeyError, SourceError):
        return {}


def wanted_reductions(
    analysis: ImageAnalysis, stack: ImageStack
) -> dict[str, MapReduction[Any, Any]]:
    """Return the reductions of a section; SectionError if there are no such images or channels."""
    unit = stack.images.unit
    reductions = {name: each.in_unit(unit) for name, each in analysis.reductions().items()}
    for reduction in reductions.values():
        if reduction.first >= stack.shape[0]:
            raise SectionError(
                f"there is no image {reduction.first}: {stack.place} has {stack.shape[0]}, "
                "counted from 0",
                "choose another image",
            )
        if isinstance(reduction, DescribePixels) and reduction.channel >= stack.shape[3]:
            raise SectionError(
                f"there is no channel {reduction.channel}: {stack.place} has {stack.shape[3]}, "
                "counted from 0",
                "choose another channel",
            )
    return reductions


def _batches(
    stack: ImageStack,
    reductions: Iterable[MapReduction[Any, Any]],
    size: int = BATCH,
    among: range | None = None,
) -> Iterator[Batch]:
    """Read the images that some reductions want, each once, size at a time.

    among: of which images, whole batches; None for all.

    A batch begins at a multiple of its size, whatever else is wanted: how images are split may
    change the last digit of a sum.
    """
    done, among = 0, range(stack.shape[0]) if among is None else among
    spans = {(max(r.first, among.start), min(r.stop, among.stop)) for r in reductions}
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        first, last = max(start - start % size, done), stop + -stop % size
        for images in stack.batches(size, first, last):
            yield Batch(images, first)
            first += len(images)
        done = max(done, last)


class _Networks:
    """The networks of a model, for the images of a stack; each set of weights is read once."""

    def __init__(self, model: ModelFiles, stack: ImageStack) -> None:
        self._model = model
        self._stack = stack
        self._read: dict[tuple[str, int], Network] = {}

    def fitted(self, of: MapsOf) -> Fitted:
        """Return the part of a network that makes some maps.

        SourceError for files that cannot be read; SectionError when there is no such layer, or it
        cannot be rebuilt, or the images do not fit.
        """
        key, (_, height, width, channels) = (of.weights, of.seed), self._stack.shape
        if key not in self._read:
            self._read[key] = _read(self._model, of.weights, of.seed, channels)
        network = self._read[key]
        return fit_network(
            network, network.architecture.find_layer(of.layer), height, width, channels
        )


def network_problems(model: ModelFiles) -> list[ReportgenError]:
    """Say what is wrong with the files of a network, all of which are read, without TensorFlow."""
    attempts: list[Callable[[], object]] = [
        partial(read_architecture, model.architecture, model.where)
    ]
    # Opened first, as without an architecture nothing more could be said of them.
    attempts += [partial(_open, model, weights) for weights in model.weights]
    attempts += [partial(_read, model, weights) for weights in model.weights]
    problems: dict[str, ReportgenError] = {}  # by what they say: some are found twice
    for look in attempts:
        try:
            look()
        except ReportgenError as error:
            problems.setdefault(error.message, error)
    return [*problems.values()]


def _open(model: ModelFiles, weights: str) -> None:
    with open_file(model.weights[weights], model.places[weights]):
        pass


def _read(model: ModelFiles, weights: str, seed: int = 0, channels: int = 1) -> Network:
    if weights == RANDOM:
        architecture = read_architecture(model.architecture, model.where)
        return random_network(architecture, seed, model.trained_with, channels)
    return read_network(
        model.architecture,
        model.weights[weights],
        model.trained_with,
        where_architecture=model.where,
        where_weights=model.places[weights],
    )
