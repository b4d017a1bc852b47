"""Where the weights are in an HDF5 file of Keras: its layers and their datasets."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.data.hdf5 import DAMAGE, check_filters, open_dataset, reading, type_on_disk
from reportgen.errors import SourceError

if TYPE_CHECKING:
    import h5py

OTHER_ARCHITECTURE = (
    "the weights are of another architecture: name the JSON that was written with them"
)
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
    try:
        group = _weights_group(file, place)
        by_position = "nb_layers" in group.attrs
        layers = tuple(_layers(group, by_position, place))
        version = read_text(group, "keras_version") or read_text(file, "keras_version")
        backend, whole = read_text(group, "backend"), read_text(file, "backend")
    except DAMAGE:
        raise SourceError(f"{place}: its list of layers cannot be read", _DAMAGED) from None
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
    # h5py's shape of an empty dataset is None.
    wanted = [want or have for want, have in zip(shape, there or (), strict=False)]
    if list(there or ()) != wanted or len(wanted) != len(shape):
        raise SourceError(
            f"{named}, the {what}, has shape {_shown(there)}, expected {_shown(shape)}",
            OTHER_ARCHITECTURE,
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


def _shown(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "none"
    return f"({', '.join('any' if length is None else str(length) for length in shape)})"


def _before(place: str, filename: str) -> str:
    """Return what stands before the file in a place."""
    return place.removesuffix(filename).removesuffix(": ")


def _weights_group(file: "h5py.File", place: str) -> "h5py.Group":
    """Return the group that holds the layers: the root, or that of a full model."""
    import h5py

    for group in (file, file.get("model_weights")):
        if isinstance(group, h5py.Group) and {"layer_names", "nb_layers"} & group.attrs.keys():
            return group
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


def _layers(group: "h5py.Group", by_position: bool, place: str) -> Iterator[StoredLayer]:
    """Yield the layers in a file: of Keras 0.3, which numbers them, or of Keras 1 and 2."""
    import h5py

    if by_position:
        listed, names = "nb_layers counts", _numbered(group, "nb_layers", "layer", place)
    else:
        listed, names = "layer_names lists", _names(group, "layer_names", place)
    for name in names:
        layer = group.get(name)
        path = f"{group.name.rstrip('/')}/{name}"
        if not isinstance(layer, h5py.Group):
            raise SourceError(f"{place}: {path} is not there, though {listed} it", _DAMAGED)
        if by_position:
            weights = _numbered(layer, "nb_params", "param", place)
        else:
            weights = _names(layer, "weight_names", place)
        yield StoredLayer(name, tuple(f"{path}/{weight}" for weight in weights))


def _names(group: "h5py.Group", key: str, place: str) -> list[str]:
    """Read a list of names."""
    value = group.attrs.get(key)
    if value is None:
        raise SourceError(f"{place}: {group.name} has no attribute {key}", _NOT_WEIGHTS)
    names = [_decoded(each) for each in np.ravel(value)]
    if "" in names:
        raise SourceError(
            f"{place}: the attribute {key} of {group.name} is not a list of names", _NOT_WEIGHTS
        )
    return names


def _numbered(group: "h5py.Group", key: str, prefix: str, place: str) -> list[str]:
    """Return the names of as many things as an attribute counts."""
    value = np.ravel(group.attrs.get(key))
    if value.size != 1 or value.dtype.kind not in "iu":
        raise SourceError(f"{place}: {group.name} has no whole number {key}", _NOT_WEIGHTS)
    if not 0 <= int(value[0]) <= _MOST_LAYERS:
        raise SourceError(f"{place}: {key} of {group.name} is {value[0]}", _NOT_WEIGHTS)
    return [f"{prefix}_{number}" for number in range(int(value[0]))]


def read_text(group: "h5py.Group", key: str) -> str:
    """Return a text attribute; empty if it is missing."""
    value = np.ravel(group.attrs.get(key))
    return _decoded(value[0]) if value.size == 1 else ""


def _decoded(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    # h5py gives bytes that are no UTF-8 as surrogates, which cannot be printed.
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""
