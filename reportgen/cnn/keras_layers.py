"""One layer of a model's JSON as plain data, in the words of each Keras release.

Keys and defaults are those of ``get_config`` and ``__init__`` in ``keras/layers`` of Keras 0.3.3,
1.0.8, 1.2.2, 2.2.4 and 2.3.1.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from reportgen.cnn.layers import (
    ACTIVATIONS,
    Activation,
    BatchNormalization,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Padding,
    Pair,
    Pooling,
    Unsupported,
)

_POOLINGS: dict[str, Literal["max", "average"]] = {
    "MaxPooling2D": "max",
    "AveragePooling2D": "average",
}
_SPATIAL = {"Convolution2D", "Conv2D", *_POOLINGS}
_ORDERINGS = {"th": True, "channels_first": True, "tf": False, "channels_last": False}
_LARGEST = 100_000  # filters, units, pixels; more is damage, not a layer


class Problem(Exception):  # noqa: N818 - not an error until somebody wants the layer
    """Why a layer of a known class cannot be rebuilt."""


@dataclass(frozen=True)
class Context:
    """What a layer's meaning depends on: the release, the ordering, maps or a vector before."""

    version: tuple[int, ...]
    channels_first: bool
    flat: bool = False


def channels_first_of(kind: str, config: dict[str, Any], version: tuple[int, ...]) -> bool | None:
    """Return whether a layer of maps has its channels first; None if it does not say."""
    if kind not in _SPATIAL:
        return None
    ordering = _ordering(config, version)
    return _ORDERINGS.get(ordering) if isinstance(ordering, str) else None


def _ordering(config: dict[str, Any], version: tuple[int, ...]) -> Any:
    # Before 1.0.4 the default is th; then it is that of a file in the home of whoever made it.
    default = "th" if version < (1, 0, 4) else None
    return _first(config, "data_format", "dim_ordering", default=default)


def read_layer(
    kind: str, config: dict[str, Any], name: str, index: int, context: Context
) -> tuple[Layer, Context]:
    """Return a layer and the context of the next; Problem says why it cannot be rebuilt."""
    if kind in _SPATIAL:
        if context.flat:
            raise Problem("it needs maps, but comes after Flatten or Dense")
        _check_ordering(config, context)
    layer: Layer
    match kind:
        case "Convolution2D" | "Conv2D":
            layer = _convolution(config, name, index, context)
        case "MaxPooling2D" | "AveragePooling2D":
            size = _pair(config, "pool_size", default=(2, 2))
            strides = _pair(config, "strides", default=size)
            layer = Pooling(name, index, _POOLINGS[kind], size, strides, _padding(config))
        case "Activation":
            layer = Activation(name, index, _activation(config, context))
        case "Dropout":
            layer = Dropout(name, index)
        case "Flatten":
            layer = Flatten(name, index, _flattens_first(config, context))
            context = replace(context, flat=True)
        case "Dense":
            layer = _dense(config, name, index, context)
        case "BatchNormalization":
            layer = _batch_normalization(config, name, index, context)
        case _:
            layer = Unsupported(name, index, kind)
    return layer, context


def _convolution(config: dict[str, Any], name: str, index: int, context: Context) -> Convolution:
    if "nb_filter" in config:
        filters = _whole(config["nb_filter"], "nb_filter")
        size = (_whole(config.get("nb_row"), "nb_row"), _whole(config.get("nb_col"), "nb_col"))
    else:
        filters = _whole(config.get("filters"), "filters")
        size = _pair(config, "kernel_size")
    for key in ("dilation_rate", "atrous_rate"):
        if (dilation := _pair(config, key, default=(1, 1))) != (1, 1):
            raise Problem(f"its {key} is {dilation[0]}×{dilation[1]}, not 1")
    if (groups := config.get("groups", 1)) != 1:
        raise Problem(f"its groups are {groups!r}, not 1")
    return Convolution(
        name,
        index,
        filters,
        size,
        _pair(config, "strides", "subsample", default=(1, 1)),
        _padding(config),
        _activation(config, context),
        _flag(config, "use_bias", "bias"),
    )


def _dense(config: dict[str, Any], name: str, index: int, context: Context) -> Dense:
    if not context.flat:
        raise Problem("it comes before Flatten")
    units = _whole(_first(config, "units", "output_dim"), "units")
    has_bias = _flag(config, "use_bias", "bias")
    return Dense(name, index, units, _activation(config, context), has_bias)


def _batch_normalization(
    config: dict[str, Any], name: str, index: int, context: Context
) -> BatchNormalization:
    if (mode := config.get("mode", 0)) != 0:
        raise Problem(f"its mode is {mode!r}: it needs the batch or sample that it normalises")
    axis = config.get("axis", -1)
    if isinstance(axis, list) and len(axis) == 1:
        axis = axis[0]
    maps = {1, -3} if context.channels_first else {3, -1}
    channels = {1, -1} if context.flat else maps
    if type(axis) is not int or axis not in channels:
        raise Problem(f"its axis is {axis!r}, which is not that of the channels")
    epsilon = config.get("epsilon")
    if not isinstance(epsilon, int | float) or not 0 <= epsilon < 1:
        raise Problem(f"its epsilon is {epsilon!r}")
    return BatchNormalization(
        name,
        index,
        float(epsilon),
        context.version,
        has_gamma=_flag(config, "scale"),
        has_beta=_flag(config, "center"),
    )


def _check_ordering(config: dict[str, Any], context: Context) -> None:
    ordering = _ordering(config, context.version)
    if ordering is None:
        raise Problem("it has no data_format, nor dim_ordering")
    first = _ORDERINGS.get(ordering) if isinstance(ordering, str) else None
    if first is None:
        raise Problem(f"its data_format is {ordering!r}")
    if first != context.channels_first:
        raise Problem(f"its data_format is {ordering}, unlike that of the layers before it")


def _flattens_first(config: dict[str, Any], context: Context) -> bool:
    """Return whether the vector's order is (channel, row, column).

    Flatten takes numbers as they lie, but from 2.1 on may be told (data_format) to bring the
    channels last before.
    """
    if context.flat:
        return False
    order = config.get("data_format")
    if order in (None, "channels_last"):
        return context.channels_first
    if order != "channels_first":
        raise Problem(f"its data_format is {order!r}")
    if not context.channels_first:
        raise Problem("its data_format is channels_first, unlike that of the layers before it")
    return False


def _activation(config: dict[str, Any], context: Context) -> str:
    name = config.get("activation")
    if name is None:
        return "linear"
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise Problem(f"its activation is {name!r}; known are {', '.join(ACTIVATIONS)}")
    if name == "softmax" and not context.flat and context.version < (2,):
        raise Problem("its activation is softmax, which Keras 1 has for vectors only")
    return name


def _padding(config: dict[str, Any]) -> Padding:
    padding = _first(config, "padding", "border_mode", default="valid")
    if padding not in ("valid", "same"):
        raise Problem(f"its padding is {padding!r}, not valid or same")
    return cast("Padding", padding)


def _pair(config: dict[str, Any], *keys: str, default: Pair | None = None) -> Pair:
    value = _first(config, *keys)
    if value is None and default is not None:
        return default
    if isinstance(value, list) and len(value) == 2:
        return _whole(value[0], keys[0]), _whole(value[1], keys[0])
    whole = _whole(value, keys[0])
    return whole, whole


def _whole(value: object, key: str) -> int:
    if type(value) is not int or not 0 < value <= _LARGEST:
        raise Problem(f"its {key} is {value!r}, not a number of 1 to {_LARGEST}")
    return value


def _flag(config: dict[str, Any], *keys: str) -> bool:
    value = _first(config, *keys, default=True)
    if not isinstance(value, bool):
        raise Problem(f"its {keys[0]} is {value!r}, not true or false")
    return value


def _first(config: dict[str, Any], *keys: str, default: object = None) -> Any:
    """Return the value of the first key that is there and not null."""
    return next((config[key] for key in keys if config.get(key) is not None), default)
