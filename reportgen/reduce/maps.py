"""Statistics of feature maps, in one pass over the images.

A network turns an image into maps, one for each filter of a layer. Sums are kept about the mean of
what was seen and joined by Chan's formula, as in moments.py, so the split into batches does not
matter beyond rounding.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from reportgen.config.columns import Images
from reportgen.reduce.scan import Failure, attempt, attempt_with

State = TypeVar("State")
Value = TypeVar("Value")
Maps = NDArray[np.float32]
Values = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class MapsOf:
    """Which maps: those of a layer for a set of weights. seed: of weights that are drawn."""

    weights: str
    layer: int | str | None = None
    seed: int = 0


@dataclass(frozen=True)
class Batch:
    """Some images, (n, height, width, channels), and the place of the first in the stack."""

    images: NDArray[np.float32]
    first: int


@dataclass(frozen=True)
class MapReduction(ABC, Generic[State, Value]):
    """A statistic of maps whose parts can be merged; a frozen dataclass like any reduction.

    of: which maps, None for the images themselves, whose channels are their maps. first, count:
    which images of the stack. takes_blank: whether it is given images with pixels that are not
    finite, too.
    """

    takes_blank: ClassVar[bool] = False

    of: MapsOf | None
    first: int = 0
    count: int = 1

    @property
    def stop(self) -> int:
        """Place after the last image."""
        return self.first + self.count

    def in_unit(self, unit: str) -> Self:
        """Return it with what it compares pixels with in their unit; itself if there is nothing."""
        return self

    @abstractmethod
    def start(self) -> State:
        """Return the state of no images."""

    @abstractmethod
    def update(self, state: State, maps: Maps) -> State:
        """Return the state with the maps of some images added, (image, filter, row, column)."""

    @abstractmethod
    def merge(self, first: State, second: State) -> State:
        """Join the states of two disjoint sets of images; associative."""

    def finish(self, state: State) -> Value:
        """Return the value of all images: the state itself, if it is nothing else."""
        return state  # type: ignore[return-value]


@dataclass(frozen=True)
class AlteredImages(MapReduction[State, Value]):
    """A statistic of the maps of images that are shown changed, such as with a part hidden."""

    @abstractmethod
    def altered(self, images: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Yield what to show in place of some images, (n, height, width, channels) at a time."""


@dataclass(frozen=True)
class FirstMaps(MapReduction[Maps | None, Maps | None]):
    """The maps of the first image that has no blank pixel, (filter, row, column); None if none."""

    def start(self) -> Maps | None:
        return None

    def update(self, state: Maps | None, maps: Maps) -> Maps | None:
        return state if state is not None or not len(maps) else maps[0].copy()

    def merge(self, first: Maps | None, second: Maps | None) -> Maps | None:
        return second if first is None else first


@dataclass(frozen=True)
class AboutImage(MapReduction[Images | None, Images | None]):
    """What the file says of the first image: unit, WCS, beam; None where there is no file."""

    def start(self) -> Images | None:
        return None

    def update(self, state: Images | None, maps: Maps) -> Images | None:
        return state

    def merge(self, first: Images | None, second: Images | None) -> Images | None:
        return first


@dataclass(frozen=True)
class ImageCount:
    """How many images there were, and how many of them with blank pixels."""

    n: int = 0
    blank: int = 0


@dataclass(frozen=True)
class CountImages(MapReduction[ImageCount, ImageCount]):
    """Number of images, and of those with pixels that are not finite."""

    takes_blank: ClassVar[bool] = True

    def start(self) -> ImageCount:
        return ImageCount()

    def update(self, state: ImageCount, maps: Maps) -> ImageCount:
        return self.merge(state, ImageCount(len(maps), int((~whole_images(maps)).sum())))

    def merge(self, first: ImageCount, second: ImageCount) -> ImageCount:
        return ImageCount(first.n + second.n, first.blank + second.blank)


def whole_images(images: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say which images, along the first axis, have no pixel that is not finite."""
    return np.asarray(np.isfinite(images.reshape(len(images), -1)).all(axis=1))


@dataclass(frozen=True)
class FilterStatistics:
    """What the filters of a layer did on n images.

    mean, std: (filter, row, column), over the images. level, spread: (filter,), mean over the
    images of a map's mean activation, and its standard deviation. zeros: (filter,), share of
    activations that are exactly 0. awake: (filter,), images in which any is not. correlation:
    (filter, filter), Pearson's r of activations at the same place of the same image; NaN where a
    filter is constant. covariance: (filter, filter), of the same. All standard deviations are those
    of the population.
    """

    n: int
    mean: Values
    std: Values
    level: Values
    spread: Values
    zeros: Values
    awake: Integers
    correlation: Values
    covariance: Values


@dataclass(frozen=True)
class FilterState:
    """What was seen of n images.

    maps: (filter, row, column) over images. levels: mean activations of maps, (filter,), over
    images. activations: (filter,), over all places of all images, with products of pairs. low,
    high: (filter,), extremes: a filter that never changes has no correlation, whatever rounding
    leaves of its sums.
    """

    n: int
    maps: "About"
    levels: "About"
    activations: "About"
    zeros: Integers
    awake: Integers
    low: Values
    high: Values


@dataclass(frozen=True)
class About:
    """Mean of n things, and a sum of squares or products of their deviations from it."""

    n: int
    mean: Values
    square: Values

    def joined(self, other: "About", product: Callable[[Values], Values] = np.square) -> "About":
        """Join by Chan's formula; product: of a difference with itself, as in ``square``."""
        n = self.n + other.n
        delta = other.mean - self.mean
        square = self.square + other.square + product(delta) * (self.n * (other.n / n))
        return About(n, self.mean + delta * (other.n / n), square)


@dataclass(frozen=True)
class DescribeFilters(MapReduction[FilterState | None, FilterStatistics | None]):
    """Statistics of each filter and of each pair of filters; None when there are no images."""

    def start(self) -> FilterState | None:
        return None

    def update(self, state: FilterState | None, maps: Maps) -> FilterState | None:
        return self.merge(state, _described(maps.astype(np.float64))) if len(maps) else state

    def merge(self, first: FilterState | None, second: FilterState | None) -> FilterState | None:
        if first is None or second is None:
            return second if first is None else first
        return FilterState(
            first.n + second.n,
            first.maps.joined(second.maps),
            first.levels.joined(second.levels),
            first.activations.joined(second.activations, _products),
            first.zeros + second.zeros,
            first.awake + second.awake,
            np.minimum(first.low, second.low),
            np.maximum(first.high, second.high),
        )

    def finish(self, state: FilterState | None) -> FilterStatistics | None:
        if state is None:
            return None
        return FilterStatistics(
            state.n,
            state.maps.mean,
            np.sqrt(state.maps.square / state.n),
            state.levels.mean,
            np.sqrt(state.levels.square / state.n),
            state.zeros / state.activations.n,
            state.awake,
            _correlation(state.activations, state.low < state.high),
            state.activations.square / state.activations.n,
        )


def _described(maps: Values) -> FilterState:
    """Return the state of some images, (image, filter, row, column)."""
    zero = maps == 0
    rows = np.moveaxis(maps, 1, -1).reshape(-1, maps.shape[1])
    centred = rows - rows.mean(axis=0)
    return FilterState(
        len(maps),
        _about(maps),
        _about(maps.mean(axis=(2, 3))),
        About(len(rows), rows.mean(axis=0), centred.T @ centred),
        zero.sum(axis=(0, 2, 3)),
        (~zero).any(axis=(2, 3)).sum(axis=0),
        rows.min(axis=0),
        rows.max(axis=0),
    )


def _about(things: Values) -> About:
    mean = things.mean(axis=0)
    return About(len(things), mean, ((things - mean) ** 2).sum(axis=0))


def _products(delta: Values) -> Values:
    return np.asarray(np.outer(delta, delta))


def _correlation(sums: About, varies: NDArray[np.bool_]) -> Values:
    """Pearson's r from sums of products, (filter, filter); NaN where a filter is constant."""
    square = np.diag(sums.square)
    defined = varies & (square > 0)
    scale = np.sqrt(np.where(defined, square, 1.0))
    r: Values = np.clip(sums.square / np.outer(scale, scale), -1.0, 1.0)
    r[~np.logical_and.outer(defined, defined)] = np.nan
    r[np.diag_indices_from(r)] = np.where(defined, 1.0, np.nan)
    return r


ComputeMaps = Callable[[MapsOf, NDArray[np.float32]], Maps]
AnyMapReduction = MapReduction[Any, Any]
MapStates = dict[AnyMapReduction, Any]


def scan_maps(
    reductions: Iterable[AnyMapReduction], batches: Iterator[Batch], compute: ComputeMaps
) -> dict[AnyMapReduction, Any]:
    """Compute reductions in one pass over images; maps that several ask for are computed once.

    compute: gives the maps of some images. Returns a value for each reduction, or a Failure for
    one that raised or whose maps could not be computed; the others are not affected.
    """
    return finished(map_states(reductions, batches, compute))


def finished(states: MapStates) -> MapStates:
    """Return the value of each reduction, from its state."""
    return {each: attempt_with(each.finish, state) for each, state in states.items()}


def merged(first: MapStates, second: MapStates) -> MapStates:
    """Return the states of the images of both."""
    return {each: attempt_with(each.merge, first[each], second[each]) for each in first}


def map_states(
    reductions: Iterable[AnyMapReduction], batches: Iterable[Batch], compute: ComputeMaps
) -> MapStates:
    """Return the state of each reduction after some images; see scan_maps."""
    states = {each: attempt(each.start) for each in dict.fromkeys(reductions)}
    for batch in batches:
        places, whole = batch.first + np.arange(len(batch.images)), whole_images(batch.images)
        for of, group in _by_maps(states).items():
            wanted = {
                r: (r.first <= places) & (places < r.stop) & (whole | r.takes_blank) for r in group
            }
            for altering in [each for each in group if isinstance(each, AlteredImages)]:
                mine = wanted.pop(altering)
                for shown in altering.altered(batch.images[mine]) if mine.any() else ():
                    made = np.moveaxis(shown, -1, 1) if of is None else attempt(compute, of, shown)
                    states[altering] = attempt_with(altering.update, states[altering], made)
            if not wanted:
                continue
            some = np.any(list(wanted.values()), axis=0)
            if not some.any():
                continue
            images = batch.images if some.all() else batch.images[some]  # which copies
            maps = np.moveaxis(images, -1, 1) if of is None else attempt(compute, of, images)
            for reduction, mine in wanted.items():
                if mine.any():
                    is_all = isinstance(maps, Failure) or mine[some].all()
                    given = maps if is_all else maps[mine[some]]
                    states[reduction] = attempt_with(reduction.update, states[reduction], given)
    return states


def _by_maps(states: Mapping[AnyMapReduction, Any]) -> dict[MapsOf | None, list[AnyMapReduction]]:
    """Return those that have not failed, by the maps that they need."""
    groups: dict[MapsOf | None, list[AnyMapReduction]] = {}
    for reduction, state in states.items():
        if not isinstance(state, Failure):
            groups.setdefault(reduction.of, []).append(reduction)
    return groups
