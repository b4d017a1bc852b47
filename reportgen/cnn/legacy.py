"""Networks from the files of Keras 0.3, 1 and 2: JSON and HDF5, read as data."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast, get_args

import numpy as np

from reportgen.cnn.architecture import parse_architecture
from reportgen.cnn.layers import Architecture, Backend, Flatten, Network, Parameters
from reportgen.cnn.shapes import parameter_shapes, product, rebuildable
from reportgen.cnn.weight_file import read_layout
from reportgen.cnn.weights import random_parameters, read_parameters
from reportgen.data.hdf5 import DAMAGE, open_file
from reportgen.errors import SourceError

_LARGEST_JSON = 64 * 1024**2  # bytes; an architecture has some thousands
_MOST_WEIGHTS = 2**28  # of one layer: 1 GB
_JSON_HINT = "name the JSON that model.to_json() gave"
_CHOICE = (
    "write `trained_with: theano` (what Keras ran on by default before 1.1: it convolves, so each "
    "kernel is flipped in both image axes for TensorFlow) or `trained_with: tensorflow` (it "
    "correlates: kernels are used as they are); the wrong one mirrors every filter"
)


def read_architecture(path: Path, where: str = "") -> Architecture:
    """Read the architecture in a JSON file, or in an HDF5 file that holds a full model.

    where: ``file:line:column: key`` of the configuration, put before messages. SourceError says
    what is wrong with the file.
    """
    place = f"{where}: {path}" if where else f"{path}"
    raw = _read_bytes(path, place)
    if raw.startswith(b"\x89HDF\r\n\x1a\n"):
        return _read_full_model(path, where, place)
    return parse_architecture(_parse(raw, place), place)


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
        model = f"{where_architecture}: {architecture_path}" if where_architecture else ""
        recorded = (
            (model or f"{architecture_path}", architecture.backend),
            (place, stored.backend),
        )
        backend = choose_backend(recorded, trained_with)
        parameters = read_parameters(file, stored, architecture, backend, place)
    return Network(architecture, parameters, backend)


def random_network(
    architecture: Architecture, seed: int, trained_with: Backend | None = None
) -> Network:
    """Give an architecture random weights: Glorot uniform, biases 0, normalisation idle.

    Glorot & Bengio 2010, Proc. AISTATS 9, 249, equation 16; numbers from numpy's PCG64. Kernels
    that follow Flatten have the size that the model's own input shape gives. trained_with: whose
    way to pad is followed, where it should be that of trained weights beside these.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    parameters: dict[int, Parameters] = {}
    for layer, shape in rebuildable(architecture):
        if isinstance(layer, Flatten) and product(shape) is None:
            break
        for name, lengths in parameter_shapes(layer, shape).items():
            if (product(lengths) or 0) > _MOST_WEIGHTS:
                raise SourceError(
                    f"layer {layer.name} has {product(lengths)} weights ({name}), too many to draw"
                )
        if (drawn := random_parameters(layer, shape, generator)) is not None:
            parameters[layer.index] = drawn
    recorded = architecture.backend if architecture.backend in get_args(Backend) else "tensorflow"
    return Network(architecture, parameters, trained_with or cast("Backend", recorded))


def choose_backend(recorded: Sequence[tuple[str, str]], trained_with: Backend | None) -> Backend:
    """Give the backend that all agree on; recorded: place of a file and what it records, or ''."""
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


def _read_bytes(path: Path, place: str) -> bytes:
    try:
        if path.is_dir():
            raise SourceError(f"{place}: is a folder, not a JSON file", "name the file in it")
        with path.open("rb") as file:
            raw = file.read(_LARGEST_JSON + 1)
    except FileNotFoundError:
        near = ", ".join(sorted(p.name for p in path.parent.glob("*.json"))[:10])
        hint = f"JSON files in {path.parent}: {near}" if near else "check the path"
        raise SourceError(f"{place}: there is no such file", hint) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise SourceError(f"{place}: cannot be read: {why}", "check the path") from None
    if not raw.strip():
        raise SourceError(f"{place}: is empty", "copy or download it again")
    return raw


def _parse(raw: bytes, place: str) -> object:
    try:
        if len(raw) > _LARGEST_JSON:
            raise ValueError(f"it is larger than {_LARGEST_JSON // 1024**2} MB")
        return json.loads(raw.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise SourceError(f"{place}: is not JSON: {error.msg} at {at}", _JSON_HINT) from None
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{place}: is not JSON: {error}", _JSON_HINT) from None


def _read_full_model(path: Path, where: str, place: str) -> Architecture:
    """Read the architecture that ``model.save()`` puts beside the weights."""
    with open_file(path, where) as file:
        texts = {"model_config": b"", "keras_version": b"", "backend": b""}
        for key in texts:
            with suppress(*DAMAGE):
                value = file.attrs.get(key, b"")
                texts[key] = value.encode() if isinstance(value, str) else bytes(value)
    if not texts["model_config"]:
        raise SourceError(f"{place}: is an HDF5 file without a model: only weights", _JSON_HINT)
    keras, backend = (texts[key].decode(errors="replace") for key in ("keras_version", "backend"))
    return parse_architecture(_parse(texts["model_config"], place), place, keras, backend)
