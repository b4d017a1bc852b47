"""Where the weights are in an HDF5 file of Keras: its layers and their datasets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.data.hdf5 import DAMAGE, check_filters, open_dataset, reading, type_on_disk
from reportgen.errors import SourceError

if TYPE_CHECKING:
    import h5py

_MOST_LAYERS = 10_000  # more is damage
_DAMAGED = "the file is damaged; copy or download it again"
_NOT_WEIGHTS = "write it with model.save_weights() or model.save() of Keras 0.3, 1 or 2"


@dataclass(frozen=True)
class StoredLayer:
    """A layer of a weight file: its name and the paths of its datasets, in Keras' order."""

    name: str
    datasets: tuple[str, ...]


@dataclass(frozen=True)
class WeightFile:
    """What a weight file holds.

    layers: all of them, also those without weights. by_position: whether they stand for the
    model's layers one by one, as in Keras 0.3, and not by name. major: of the Keras release that
    wrote it; files that record none are of Keras 0.3 or 1. backend: as recorded, else empty.
    """

    layers: tuple[StoredLayer, ...]
    by_position: bool
    major: int
    backend: str


def read_layout(file: "h5py.File", place: str) -> WeightFile:
    """Find the layers in a weight file or a full model; SourceError begins with place."""
    group = _weights_group(file, place)
    if _attribute(group, "nb_layers", place) is not None:
        layers, by_position = _numbered_layers(group, place), True
    else:
        layers, by_position = _named_layers(group, place), False
    version = _text(group, "keras_version", place) or _text(file, "keras_version", place)
    backend = _text(group, "backend", place)
    whole = _text(file, "backend", place)
    if backend and whole and backend != whole:
        raise SourceError(
            f"{place}: records two backends: {whole} for the model, {backend} for its weights",
            "write the file again",
        )
    major = int(version.split(".")[0]) if version.split(".")[0].isdecimal() else 1
    if major >= 3:
        raise SourceError(f"{place}: was written by Keras {version}", _NOT_WEIGHTS)
    return WeightFile(layers, by_position, major, backend or whole)


def read_weights(
    file: "h5py.File", dataset: str, shape: tuple[int | None, ...], what: str, place: str
) -> NDArray[np.float64]:
    """Read one dataset of a known shape; SourceError says what is wrong with it.

    shape: None where any length will do. what: the parameter and its layer, for messages.
    """
    found = open_dataset(file, dataset, _before(place, file.filename))
    named = f"{place}: {dataset}"
    dtype = type_on_disk(found, named)
    if dtype.kind != "f":
        raise SourceError(
            f"{named}, the {what}, is of type {dtype}, not floating-point numbers", _NOT_WEIGHTS
        )
    there = found.shape
    fits = (
        there is not None
        and len(there) == len(shape)
        and all(want in (None, have) for want, have in zip(shape, there, strict=True))
    )
    if not fits:
        expected = tuple("any" if length is None else length for length in shape)
        raise SourceError(
            f"{named}, the {what}, has shape {_shown(there)}, expected {_shown(expected)}",
            "the weights are of another architecture: name the JSON that was written with them",
        )
    check_filters(found, named)
    with reading(Path(file.filename), dataset, f"the {what}", _before(place, file.filename)):
        values = np.asarray(found[()], dtype=np.float64)
    with np.errstate(over="ignore"):
        bad = values.size - int(np.count_nonzero(np.isfinite(values.astype(np.float32))))
    if bad:
        raise SourceError(
            f"{named}, the {what}, holds {bad} of {values.size} numbers that are NaN or infinite",
            "the training diverged, or the file is damaged",
        )
    return values


def _shown(shape: tuple[object, ...] | None) -> str:
    return "none" if shape is None else f"({', '.join(str(length) for length in shape)})"


def _before(place: str, filename: str) -> str:
    """Return what stands before the file in a place."""
    return place.removesuffix(filename).removesuffix(": ")


def _weights_group(file: "h5py.File", place: str) -> "h5py.Group":
    """Return the group that holds the layers: the root, or that of a full model."""
    import h5py

    for group in (file, _member(file, "model_weights", place)):
        if isinstance(group, h5py.Group) and any(
            _attribute(group, key, place) is not None
            for key in ("layer_names", "layer_names0", "nb_layers")
        ):
            return group
    there: list[str] = []
    with suppress(*DAMAGE):
        there = sorted(file)[:10]
    if {"layers", "_layer_checkpoint_dependencies"} & set(there):
        raise SourceError(f"{place}: was written by Keras 3", _NOT_WEIGHTS)
    if "graph" in there:
        raise SourceError(
            f"{place}: holds the weights of a Graph model, not of a Sequential one",
            "only models whose layers follow one another are read",
        )
    raise SourceError(
        f"{place}: holds no Keras weights: neither layer_names nor nb_layers is recorded; "
        f"in the file: {', '.join(there) or 'nothing'}",
        _NOT_WEIGHTS,
    )


def _named_layers(group: "h5py.Group", place: str) -> tuple[StoredLayer, ...]:
    """Return the layers in files of Keras 1 and 2."""
    return tuple(
        _stored_layer(
            group,
            name,
            "layer_names lists",
            place,
            lambda layer: _names(layer, "weight_names", place),
        )
        for name in _names(group, "layer_names", place)
    )


def _numbered_layers(group: "h5py.Group", place: str) -> tuple[StoredLayer, ...]:
    """Return the layers in files of Keras 0.3."""

    def weights(layer: "h5py.Group") -> list[str]:
        return [f"param_{number}" for number in range(_count(layer, "nb_params", place))]

    names = [f"layer_{number}" for number in range(_count(group, "nb_layers", place))]
    return tuple(_stored_layer(group, name, "nb_layers counts", place, weights) for name in names)


def _stored_layer(
    group: "h5py.Group",
    name: str,
    listed: str,
    place: str,
    weights: Callable[["h5py.Group"], list[str]],
) -> StoredLayer:
    import h5py

    layer = _member(group, name, place)
    if not isinstance(layer, h5py.Group):
        raise SourceError(
            f"{place}: {_path(group, name)} is not there, though {listed} it", _DAMAGED
        )
    return StoredLayer(name, tuple(_path(layer, weight) for weight in weights(layer)))


def _path(group: "h5py.Group", name: str) -> str:
    return f"{(group.name or '').rstrip('/')}/{name}"


@contextmanager
def _whole(what: str, place: str) -> Iterator[None]:
    try:
        yield
    except DAMAGE:
        raise SourceError(f"{place}: {what} cannot be read", _DAMAGED) from None


def _member(group: "h5py.Group", name: str, place: str) -> object:
    with _whole(_path(group, name), place):
        return group.get(name)


def _attribute(group: "h5py.Group", key: str, place: str) -> Any:
    """Read an attribute; None if there is none."""
    with _whole(f"the attribute {key} of {group.name}", place):
        return group.attrs.get(key)


def _names(group: "h5py.Group", key: str, place: str) -> list[str]:
    """Read a list of names; a long one is in numbered pieces."""
    pieces = [_attribute(group, key, place)]
    if pieces[0] is None:
        numbered = (_attribute(group, f"{key}{number}", place) for number in count())
        pieces = list(takewhile(lambda piece: piece is not None, numbered))
    if not pieces:
        raise SourceError(f"{place}: {group.name} has no attribute {key}", _NOT_WEIGHTS)
    values = [each for piece in pieces for each in np.ravel(piece)]
    names = [_decoded(each) for each in values]
    if None in names or "" in names:
        raise SourceError(
            f"{place}: the attribute {key} of {group.name} is not a list of names", _NOT_WEIGHTS
        )
    return [name for name in names if name]


def _text(group: "h5py.Group", key: str, place: str) -> str:
    """Read a text that may be missing."""
    value = np.ravel(_attribute(group, key, place))
    return (_decoded(value[0]) or "") if value.size == 1 else ""


def _decoded(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    # h5py gives bytes that are no UTF-8 as surrogates, which cannot be printed.
    return value.encode(errors="replace").decode() if isinstance(value, str) else None


def _count(group: "h5py.Group", key: str, place: str) -> int:
    value = np.ravel(_attribute(group, key, place))
    if value.size != 1 or value.dtype.kind not in "iu":
        raise SourceError(f"{place}: {group.name} has no whole number {key}", _NOT_WEIGHTS)
    if not 0 <= int(value[0]) <= _MOST_LAYERS:
        raise SourceError(f"{place}: {key} of {group.name} is {value[0]}", _NOT_WEIGHTS)
    return int(value[0])
