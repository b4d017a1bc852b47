"""The JSON of a model of layers in a row, as Keras 0.3 to 2 wrote it, read as data.

Nothing in it is evaluated: a layer of any class but the known ones is only named.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportgen.cnn.keras_keys import Problem
from reportgen.cnn.keras_layers import Context, channels_first_of, read_layer
from reportgen.cnn.layers import Layer, Shape, TooSmallError, Unsupported
from reportgen.cnn.network import Architecture
from reportgen.cnn.weight_file import read_text
from reportgen.data.hdf5 import DAMAGE, SIGNATURE, open_file
from reportgen.data.regular_file import require_regular
from reportgen.errors import SourceError
from reportgen.wording import bytes_text

_GRAPHS = ("Model", "Functional")  # what Keras calls them, until 2.3 and since
_LARGEST = 2**25  # bytes of a JSON; that of a network of a thousand layers has one
_JSON_HINT = "name the JSON that model.to_json() gave"

# Keys that only Keras 2 writes: they tell its models where no version is recorded.
_KERAS_2 = {"data_format", "filters", "kernel_size", "units", "use_bias", "padding", "center"}
_OLDEST = (0, 3)
_ONE_CHAIN = "only models whose layers follow one another are read"
_HINT = "write it with model.to_json() of Keras 0.3, 1 or 2"


def read_architecture(path: Path, where: str = "") -> Architecture:
    """Read the architecture in a JSON file, or in an HDF5 file that holds a full model.

    where: ``file:line:column: key`` of the configuration, put before messages. SourceError says
    what is wrong with the file.
    """
    place = f"{where}: {path}" if where else f"{path}"
    raw = _read_bytes(path, place)
    try:
        if raw == SIGNATURE:
            return _read_full_model(path, where, place)
        return parse_architecture(_parse(raw, place), place)
    except RecursionError:
        raise SourceError(f"{place}: lists stand in lists too deep", _JSON_HINT) from None


@dataclass(frozen=True)
class _Description:
    """What the JSON says, in one form for all releases."""

    layers: list[tuple[str, dict[str, Any]]]
    version: tuple[int, ...]
    is_sequential: bool
    build_shape: object


def parse_architecture(
    model: object, place: str, keras: str = "", backend: str = ""
) -> Architecture:
    """Return the architecture that a model's JSON describes; SourceError begins with place.

    keras, backend: as recorded outside the JSON, in the file that holds it.
    """
    if not isinstance(model, dict):
        raise SourceError(f"{place}: is JSON but not of a Keras model", _HINT)
    keras = _text(model, "keras_version") or keras
    backend = _text(model, "backend") or backend
    described = _describe(model, keras, place)
    found = described.layers
    if described.is_sequential:  # of a graph, Keras counts the input among the layers
        found = [(kind, config) for kind, config in found if kind != "InputLayer"]
    lengths = _input_lengths(described, place)
    said = (channels_first_of(kind, config, described.version) for kind, config in found)
    channels_first = next(
        (first for first in said if first is not None),
        # No layer says it, or none could: the lone channel of an image then tells.
        lengths[0] == 1 if lengths is not None and len(lengths) == 3 else False,
    )
    shape = lengths
    if lengths is not None and len(lengths) == 3 and channels_first:
        shape = (*lengths[1:], lengths[0])
    context = Context(described.version, channels_first, flat=shape is not None and len(shape) == 1)
    layers: list[Layer] = []
    names = _names(found, described.version, place)
    for index, (name, (kind, config)) in enumerate(zip(names, found, strict=True)):
        try:
            layer, context = read_layer(kind, config, name, index, context)
        except Problem as problem:
            layer = Unsupported(name, index, kind, str(problem))
        layers.append(layer)
    if not layers:
        raise SourceError(f"{place}: the model has no layers", _HINT)
    result = Architecture(tuple(layers), channels_first, shape, keras, backend)
    try:
        list(result.rebuildable())
    except TooSmallError as error:
        raise SourceError(f"{place}: {error}", "the layers do not fit its input shape") from None
    return result


def _describe(model: dict[str, Any], keras: str, place: str) -> _Description:
    """Return class and configuration of each layer, however they are written."""
    is_old = "class_name" not in model  # Keras 0.3
    if is_old and "layers" not in model and model.get("name") != "Graph":
        raise SourceError(f"{place}: is JSON but not of a Keras model", _HINT)
    named = model.get("name" if is_old else "class_name")
    items, build_shape = model.get("layers" if is_old else "config"), None
    if named != "Sequential" and (is_old or named not in _GRAPHS):
        raise SourceError(f"{place}: is a model of the kind {named}, not Sequential", _ONE_CHAIN)
    if isinstance(items, dict):
        build_shape, items = items.get("build_input_shape"), items.get("layers")
    if not isinstance(items, list):
        raise SourceError(f"{place}: has no list of layers", _HINT)
    layers: list[tuple[str, dict[str, Any]]] = []
    for number, item in enumerate(items):
        each = item if isinstance(item, dict) else {}
        kind, config = each.get("class_name"), each.get("config")
        if is_old:  # both are written together, the name as custom_name
            kind, config = each.get("name"), {**each, "name": each.get("custom_name")}
        if not isinstance(kind, str) or not isinstance(config, dict):
            raise SourceError(f"{place}: layer {number} has no class or no configuration", _HINT)
        layers.append((kind, config))
    version = _version(model, keras, layers, place)
    if named in _GRAPHS:
        layers = [layers[number] for number in _follow(items, place)]
    return _Description(layers, version, named == "Sequential", build_shape)


def _follow(items: Sequence[dict[str, Any]], place: str) -> list[int]:
    """Return the places of the layers in a graph's list, in the order of its one chain.

    items: as ``get_config`` wrote them, with ``inbound_nodes``. SourceError names the layer where
    the graph branches.
    """
    places = {str(item.get("name")): number for number, item in enumerate(items)}
    if len(places) < len(items):
        raise SourceError(f"{place}: several layers have one name, or none", "name each layer")
    after: dict[str, str] = {}
    starts: list[str] = []
    for name, item in zip(places, items, strict=True):
        nodes = item.get("inbound_nodes")
        nodes = nodes if isinstance(nodes, list) else []
        if len(nodes) > 1:
            raise SourceError(f"{place}: layer {name} is used {len(nodes)} times", _ONE_CHAIN)
        before = list(dict.fromkeys(_tensors(nodes)))
        if len(before) > 1:
            joined = " and ".join(before)
            raise SourceError(f"{place}: layer {name} joins what {joined} give", _ONE_CHAIN)
        if not before:
            starts.append(name)
        elif before[0] in after:
            both = f"{after[before[0]]} and {name}"
            raise SourceError(f"{place}: layer {before[0]} goes into both {both}", _ONE_CHAIN)
        else:
            after[before[0]] = name
    if len(starts) != 1:
        named = ", ".join(starts) or "none"
        raise SourceError(f"{place}: the model has not one input, but {named}", _ONE_CHAIN)
    chain = starts
    while chain[-1] in after and len(chain) < len(items):
        chain.append(after[chain[-1]])
    if left := [name for name in places if name not in chain]:
        raise SourceError(f"{place}: layer {left[0]} does not follow from the input", _ONE_CHAIN)
    return [places[name] for name in chain]


def _tensors(node: object) -> Iterator[str]:
    """Yield the names of the layers whose results a node takes, which may also be an argument."""
    if isinstance(node, dict):
        for each in node.values():
            yield from _tensors(each)
    elif isinstance(node, list):
        match node:
            case [str(name), int(), int(), *rest]:
                yield name
                yield from _tensors(rest)
            case _:
                for each in node:
                    yield from _tensors(each)


def _version(
    model: dict[str, Any], keras: str, layers: list[tuple[str, dict[str, Any]]], place: str
) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", keras)
    if found:
        version = tuple(int(part) for part in found.groups(default="0"))
    elif "module" in model:
        version = (3,)
    elif "class_name" not in model:
        version = _OLDEST
    else:
        # Keras records its version from 1.0.4 on.
        version = (2,) if any(_KERAS_2 & config.keys() for _, config in layers) else (1, 0, 0)
    if version >= (3,):
        raise SourceError(f"{place}: was written by Keras {keras or '3'}", _HINT)
    return version


def _text(model: dict[str, Any], key: str) -> str:
    value = model.get(key)
    return value if isinstance(value, str) else ""


def _names(
    layers: list[tuple[str, dict[str, Any]]], version: tuple[int, ...], place: str
) -> list[str]:
    """Return each layer's name; those of Keras 0.3 are numbered as Keras 1 did."""
    names: list[str] = []
    seen: Counter[str] = Counter()
    for kind, config in layers:
        given = config.get("name")
        name = given if isinstance(given, str) and given else kind.lower()
        seen[name] += 1
        if version < (1,) and name == kind.lower():
            name = f"{name}_{seen[name]}"
        names.append(name)
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise SourceError(f"{place}: several layers are named {repeated[0]}", "rename them")
    return names


def _input_lengths(described: _Description, place: str) -> Shape | None:
    """Return the shape of an image or vector as recorded, if it is."""
    batch: object = described.build_shape
    if described.layers:
        first = described.layers[0][1]
        own = [first.get("batch_input_shape"), first.get("batch_shape")]
        if isinstance(first.get("input_shape"), list):
            own.append([None, *first["input_shape"]])
        if isinstance(first.get("input_dim"), int):
            own.append([None, first["input_dim"]])
        batch = next((shape for shape in own if shape is not None), batch)
    if batch is None:
        return None
    lengths = batch[1:] if isinstance(batch, list) else []
    known = [length for length in lengths if length is not None]
    if len(lengths) not in (1, 3) or any(type(n) is not int or n <= 0 for n in known):
        raise SourceError(
            f"{place}: the input shape {batch} is not that of images",
            "it should be rows, columns and channels after the number of images",
        )
    return tuple(lengths)


def _read_bytes(path: Path, place: str) -> bytes:
    """Return the bytes of a JSON file; of an HDF5 file its first ones."""
    require_regular(path, place, "a JSON file", "*.json")
    try:
        with path.open("rb") as file:
            raw = file.read(len(SIGNATURE))
            raw += b"" if raw == SIGNATURE else file.read(_LARGEST)
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
        raise SourceError(f"{place}: {why}", "check its permissions") from None
    if not raw.strip():
        raise SourceError(f"{place}: is empty", "copy or download it again")
    if len(raw) > _LARGEST:
        raise SourceError(f"{place}: is larger than {bytes_text(_LARGEST)}", _JSON_HINT)
    return raw


def _parse(text: str | bytes, place: str) -> object:
    try:
        found = json.loads(text)
        # json.dump(model.to_json(), file) writes the JSON as a text.
        return json.loads(found) if isinstance(found, str) else found
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise SourceError(f"{place}: is not JSON: {error.msg} at {at}", _JSON_HINT) from None
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{place}: is not JSON: {error}", _JSON_HINT) from None


def _read_full_model(path: Path, where: str, place: str) -> Architecture:
    """Read the architecture that ``model.save()`` puts beside the weights."""
    model = keras = backend = ""
    with open_file(path, where) as file, suppress(*DAMAGE):
        keys = ("model_config", "keras_version", "backend")
        model, keras, backend = (read_text(file, key) for key in keys)
    if not model:
        raise SourceError(f"{place}: is an HDF5 file without a model: only weights", _JSON_HINT)
    return parse_architecture(_parse(model, place), place, keras, backend)
