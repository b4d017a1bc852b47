"""Weights of old Keras files, turned the way TensorFlow wants them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import numpy as np
from numpy.typing import NDArray

from reportgen.cnn.architecture import read_architecture
from reportgen.cnn.layers import (
    BatchNormalization,
    Convolution,
    Dense,
    DepthwiseConvolution,
    Layer,
    ParametricRectifier,
    SeparableConvolution,
)
from reportgen.cnn.network import Architecture, Backend, Network, Parameters
from reportgen.cnn.weight_file import (
    OTHER_ARCHITECTURE,
    StoredLayer,
    WeightFile,
    read_layout,
    read_weights,
)
from reportgen.data.hdf5 import open_file
from reportgen.errors import SourceError
from reportgen.wording import number

if TYPE_CHECKING:
    import h5py

_KINDS = {
    Convolution: "convolution",
    DepthwiseConvolution: "depthwise convolution",
    SeparableConvolution: "separable convolution",
    Dense: "dense",
    BatchNormalization: "batch normalisation",
    ParametricRectifier: "PReLU",
}
_CHOICE = (
    "write `trained_with: theano` (what Keras ran on by default before 1.1: it convolves, so each "
    "kernel is flipped in both image axes for TensorFlow) or `trained_with: tensorflow` (it "
    "correlates: kernels are used as they are); the wrong one mirrors every filter"
)


def read_network(
    architecture_path: Path,
    weights_path: Path,
    trained_with: Backend | None,
    *,
    where_architecture: str = "",
    where_weights: str = "",
) -> Network:
    """Read an architecture and its weights; SourceError says what is wrong with which file.

    trained_with: what the configuration says. What the files record must agree with it; if
    neither says anything, that is an error too, since the kernels would be a guess.
    """
    architecture = read_architecture(architecture_path, where_architecture)
    place = f"{where_weights}: {weights_path}" if where_weights else f"{weights_path}"
    with open_file(weights_path, where_weights) as file:
        stored = read_layout(file, place)
        model = f"{where_architecture}: " if where_architecture else ""
        recorded = (f"{model}{architecture_path}", architecture.backend), (place, stored.backend)
        backend = choose_backend(recorded, trained_with)
        parameters = read_parameters(file, stored, architecture, backend, place)
    return Network(architecture, parameters, backend)


def choose_backend(recorded: Sequence[tuple[str, str]], trained_with: Backend | None) -> Backend:
    """Return the backend all agree on; recorded: place of a file and what it records, or empty."""
    known = [(place, backend) for place, backend in recorded if backend]
    for place, backend in known:
        if backend not in get_args(Backend):
            raise SourceError(
                f"{place}: records that it was trained with {backend}; only theano and tensorflow "
                "are known here",
                "train or convert the model with one of them",
            )
        if trained_with and backend != trained_with:
            raise SourceError(
                f"{place}: records that it was trained with {backend}, but the configuration says "
                f"trained_with: {trained_with}",
                f"write `trained_with: {backend}`, or leave it away",
            )
        if backend != known[0][1]:
            raise SourceError(
                f"{place}: records that it was trained with {backend}, but {known[0][0]} records "
                f"{known[0][1]}",
                "name the JSON that was written with these weights",
            )
    if known:
        return cast("Backend", known[0][1])
    if trained_with:
        return trained_with
    (model, _), (weights, _) = recorded
    raise SourceError(
        f"{weights}: neither this file nor {model} records whether it was trained with Theano or "
        "with TensorFlow",
        _CHOICE,
    )


def read_parameters(
    file: "h5py.File",
    stored: WeightFile,
    architecture: Architecture,
    trained_with: Backend,
    place: str,
) -> dict[int, Parameters]:
    """Read the parameters of each layer that can be rebuilt; SourceError begins with place."""
    layers = list(architecture.rebuildable())
    weighted = [
        (layer, wanted) for layer, shape in layers if (wanted := layer.parameter_shapes(shape))
    ]
    wanting = [layer for layer, _ in weighted]
    if stored.by_position:
        found = _layers_by_position(stored, wanting, architecture, place)
    else:
        is_whole = len(layers) == len(architecture.layers)
        found = _layers_by_name(stored, wanting, is_whole, place)
    result: dict[int, Parameters] = {}
    for (layer, wanted), source in zip(weighted, found, strict=True):
        called = f"layer {layer.name} ({_KINDS[type(layer)]})"
        if len(source.datasets) != len(wanted):
            raise SourceError(
                f"{place}: {called} needs {len(wanted)} datasets ({', '.join(wanted)}), but "
                f"{source.name} in the file has {len(source.datasets)} "
                f"({', '.join(source.datasets) or 'none'})",
                OTHER_ARCHITECTURE,
            )
        values: dict[str, NDArray[np.float64]] = {}
        for (name, shape), dataset in zip(wanted.items(), source.datasets, strict=True):
            is_old = len(shape) == 4 and _is_old(layer, stored, architecture)
            on_disk = (shape[3], shape[2], shape[0], shape[1]) if is_old else shape
            raw = read_weights(file, dataset, on_disk, f"{name} of {called}", place)
            values[name] = raw.transpose(2, 3, 1, 0) if is_old else raw
        if isinstance(layer, BatchNormalization):
            values = fold_normalization(layer, values, trained_with, f"{place}: {called}")
        elif type(layer) is Convolution and trained_with == "theano":
            # Theano convolves, TensorFlow correlates: the same sum with the kernel turned round.
            # Keras turned the kernels of depthwise convolutions for Theano, so they stay.
            values["kernel"] = values["kernel"][::-1, ::-1]
        elif isinstance(layer, ParametricRectifier) and layer.channels_first:
            values["slopes"] = values["slopes"].transpose(1, 2, 0)
        result[layer.index] = {
            name: np.ascontiguousarray(each, dtype=np.float32) for name, each in values.items()
        }
    return result


def _is_old(layer: Layer, stored: WeightFile, architecture: Architecture) -> bool:
    """Return whether a kernel is stored as (out, in, row, column).

    Keras 1 stores it so when channels are first; Keras 2 never does (load_weights in Keras
    2.2.4, engine/saving.py, preprocess_weights_for_loading).
    """
    return isinstance(layer, Convolution) and stored.major < 2 and architecture.channels_first


def _layers_by_position(
    stored: WeightFile, weighted: Sequence[Layer], architecture: Architecture, place: str
) -> list[StoredLayer]:
    """Return the layer in a file of Keras 0.3 for each layer with weights."""
    if len(stored.layers) != len(architecture.layers):
        raise SourceError(
            f"{place}: holds {len(stored.layers)} layers, but the model has "
            f"{len(architecture.layers)}: {architecture.listed()}",
            OTHER_ARCHITECTURE,
        )
    for layer, _ in architecture.rebuildable():
        if stored.layers[layer.index].datasets and layer not in weighted:
            raise SourceError(
                f"{place}: {stored.layers[layer.index].name} has weights, but the model's layer "
                f"{layer.index} has none: {architecture.listed()}",
                OTHER_ARCHITECTURE,
            )
    return [stored.layers[layer.index] for layer in weighted]


def _layers_by_name(
    stored: WeightFile, weighted: Sequence[Layer], is_whole: bool, place: str
) -> list[StoredLayer]:
    """Return the layer in the file for each layer with weights.

    By name where the file has all the names, else by order of the layers with weights, as Keras'
    load_weights does. is_whole: whether these are all of the model; else more may follow.
    """
    there = {each.name: each for each in stored.layers if each.datasets}
    names = [layer.name for layer in weighted]
    if len(there) < len(names) or (is_whole and len(there) > len(names)):
        missing = [name for name in names if name not in there]
        surplus = [name for name in there if name not in names]
        raise SourceError(
            f"{place}: holds weights of {len(there)} layers ({', '.join(there) or 'none'}), but "
            f"the model has {len(names)} with weights ({', '.join(names) or 'none'})"
            + _naming("not in the file", missing)
            + _naming("not in the model", surplus),
            OTHER_ARCHITECTURE,
        )
    if all(name in there for name in names):
        return [there[name] for name in names]
    return list(there.values())[: len(names)]


def _naming(what: str, names: Sequence[str]) -> str:
    return f"; {what}: {', '.join(names)}" if names else ""


def fold_normalization(
    layer: BatchNormalization,
    values: Mapping[str, NDArray[np.float64]],
    trained_with: Backend,
    place: str,
) -> dict[str, NDArray[np.float64]]:
    """Return scale and shift of a batch normalisation: result = scale · x + shift.

    What the stored spread is, a standard deviation or a variance, and where epsilon is added
    changed with the releases (``layers/normalization.py`` and ``batch_normalization`` in
    ``backend/`` of Keras 0.3.3 and 1.0.0 to 2.3.1).
    """
    spread = values["spread"]
    if layer.keras < (1, 0, 6) or (layer.keras == (1, 0, 6) and trained_with == "theano"):
        deviation = spread + layer.epsilon
    elif layer.keras == (1, 0, 7) and trained_with == "theano":
        deviation = np.sqrt(np.maximum(spread, 0)) + layer.epsilon
    else:
        deviation = np.sqrt(np.maximum(spread + layer.epsilon, 0))
    if np.any(spread < 0) or np.any(deviation == 0):
        raise SourceError(
            f"{place}: the spread of a channel is {number(float(spread.min()))}, "
            "which cannot be divided by",
            "the file is damaged, or its weights are in another order",
        )
    scale = values.get("gamma", np.ones_like(spread)) / deviation
    shift = values.get("beta", np.zeros_like(spread)) - values["mean"] * scale
    return {"scale": scale, "shift": shift}
