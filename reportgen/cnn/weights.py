"""Weights of old Keras files, turned the way TensorFlow wants them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reportgen.cnn.layers import (
    Architecture,
    Backend,
    BatchNormalization,
    Convolution,
    Dense,
    Layer,
    Parameters,
    Shape,
)
from reportgen.cnn.shapes import parameter_shapes, rebuildable
from reportgen.cnn.weight_file import StoredLayer, WeightFile, read_weights
from reportgen.errors import SourceError

if TYPE_CHECKING:
    import h5py

_OTHER = "the weights are of another architecture: name the JSON that was written with them"
_KINDS = {Convolution: "convolution", Dense: "dense", BatchNormalization: "batch normalisation"}


def read_parameters(
    file: "h5py.File",
    stored: WeightFile,
    architecture: Architecture,
    trained_with: Backend,
    place: str,
) -> dict[int, Parameters]:
    """Read the parameters of each layer that can be rebuilt; SourceError begins with place."""
    layers = list(rebuildable(architecture))
    weighted = [
        (layer, wanted) for layer, shape in layers if (wanted := parameter_shapes(layer, shape))
    ]
    found = match_layers(stored, [layer for layer, _ in weighted], architecture, len(layers), place)
    result: dict[int, Parameters] = {}
    for (layer, wanted), source in zip(weighted, found, strict=True):
        called = f"layer {layer.name} ({_KINDS[type(layer)]})"
        if len(source.datasets) != len(wanted):
            raise SourceError(
                f"{place}: {called} needs {len(wanted)} datasets ({', '.join(wanted)}), but "
                f"{source.name} in the file has {len(source.datasets)} "
                f"({', '.join(source.datasets) or 'none'})",
                _OTHER,
            )
        values: dict[str, NDArray[np.float64]] = {}
        for (name, shape), dataset in zip(wanted.items(), source.datasets, strict=True):
            is_old = name == "kernel" and _is_old(layer, stored, architecture)
            on_disk = (shape[3], shape[2], shape[0], shape[1]) if is_old else shape
            raw = read_weights(file, dataset, on_disk, f"{name} of {called}", place)
            values[name] = raw.transpose(2, 3, 1, 0) if is_old else raw
        if isinstance(layer, BatchNormalization):
            values = fold_normalization(layer, values, trained_with, f"{place}: {called}")
        elif isinstance(layer, Convolution) and trained_with == "theano":
            # Theano convolves, TensorFlow correlates: the same sum with the kernel turned round.
            values["kernel"] = values["kernel"][::-1, ::-1]
        result[layer.index] = {
            name: np.ascontiguousarray(each, dtype=np.float32) for name, each in values.items()
        }
    return result


def _is_old(layer: Layer, stored: WeightFile, architecture: Architecture) -> bool:
    """Say whether a kernel is stored as (out, in, row, column).

    Keras 1 stores it so when channels are first; Keras 2 never does (load_weights in Keras
    2.2.4, engine/saving.py, preprocess_weights_for_loading).
    """
    return isinstance(layer, Convolution) and stored.major < 2 and architecture.channels_first


def match_layers(
    stored: WeightFile,
    weighted: Sequence[Layer],
    architecture: Architecture,
    rebuilt: int,
    place: str,
) -> list[StoredLayer]:
    """Give the layer in the file for each layer with weights.

    By position in files of Keras 0.3; else by name where the file has all the names, and by order
    of the layers with weights where it has other names, as Keras' load_weights does. rebuilt:
    number of layers before the first unsupported one; what comes after is not looked at.
    """
    is_whole = rebuilt == len(architecture.layers)
    if stored.by_position:
        if len(stored.layers) != len(architecture.layers):
            raise SourceError(
                f"{place}: holds {len(stored.layers)} layers, but the model has "
                f"{len(architecture.layers)}: {architecture.listed()}",
                _OTHER,
            )
        surplus = [
            each.name
            for layer, each in zip(architecture.layers[:rebuilt], stored.layers, strict=False)
            if each.datasets and layer not in weighted
        ]
        if surplus:
            raise SourceError(
                f"{place}: {surplus[0]} has weights, but the model's layer "
                f"{surplus[0].removeprefix('layer_')} has none: {architecture.listed()}",
                _OTHER,
            )
        return [stored.layers[layer.index] for layer in weighted]
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
            _OTHER,
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
    """Give scale and shift of a batch normalisation: result = scale · x + shift.

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
            f"{place}: the spread of a channel is {spread.min():g}, which cannot be divided by",
            "the file is damaged, or its weights are in another order",
        )
    scale = values.get("gamma", np.ones_like(spread)) / deviation
    shift = values.get("beta", np.zeros_like(spread)) - values["mean"] * scale
    return {"scale": scale, "shift": shift}


def random_parameters(
    layer: Layer, shape: Shape, generator: np.random.Generator
) -> Parameters | None:
    """Draw a kernel, Glorot uniform, with biases 0; None for a layer without parameters.

    Glorot & Bengio 2010, Proc. AISTATS 9, 249, equation 16: uniform within ±√(6 / (fan in + fan
    out)), where a convolution's fans are its channels times the size of its kernel.
    """
    wanted = parameter_shapes(layer, shape)
    if isinstance(layer, BatchNormalization):
        ones = np.ones([length or 1 for length in wanted["mean"]], dtype=np.float32)
        return {"scale": ones, "shift": np.zeros_like(ones)}
    result: dict[str, NDArray[np.float32]] = {}
    for name, lengths in wanted.items():
        # A model that does not record its input gets images of one channel here.
        known = tuple(1 if length is None else length for length in lengths)
        if name == "bias":
            result[name] = np.zeros(known, dtype=np.float32)
            continue
        limit = np.sqrt(6 / (np.prod(known[:-2]) * (known[-2] + known[-1])))
        result[name] = generator.uniform(-limit, limit, known).astype(np.float32)
    return result or None
