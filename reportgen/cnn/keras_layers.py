"""One layer of a model's JSON as plain data, in the words of each Keras release.

Keys and defaults are those of ``get_config`` and ``__init__`` in ``keras/layers`` of Keras 0.3.3,
1.0.8, 1.2.2, 2.2.4 and 2.3.1, and of tf.keras 2.10.
"""

from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal, cast

from reportgen.cnn import layers
from reportgen.cnn.keras_keys import Problem, edges, first, flag, number, pair, whole

_Kind = Literal["max", "average"]
_POOLINGS: dict[str, _Kind] = {"MaxPooling2D": "max", "AveragePooling2D": "average"}
_GLOBAL: dict[str, _Kind] = {"GlobalMaxPooling2D": "max", "GlobalAveragePooling2D": "average"}
_CONVOLUTIONS = (
    *("Convolution2D", "Conv2D"),
    *("SeparableConvolution2D", "SeparableConv2D", "DepthwiseConv2D"),
)
# Keras 1 does not record the ordering of some of these.
_UNTOLD = {"ZeroPadding2D", "Cropping2D", "UpSampling2D", *_GLOBAL}
_SPATIAL = {*_CONVOLUTIONS, *_POOLINGS, *_UNTOLD}
# Nothing outside training; the input of a graph, which has a place among its layers.
_IDLE = {
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout"),
    *("AlphaDropout", "GaussianNoise", "ActivityRegularization", "InputLayer"),
}
_ORDERINGS = {"th": True, "channels_first": True, "tf": False, "channels_last": False}


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
    told = first(config, "data_format", "dim_ordering")
    ordering = told if kind in _UNTOLD else _ordering(config, version)
    return _ORDERINGS.get(ordering) if isinstance(ordering, str) else None


def _ordering(config: dict[str, Any], version: tuple[int, ...]) -> Any:
    # Before 1.0.4 the default is th; then it is that of a file in the home of whoever made it.
    default = "th" if version < (1, 0, 4) else None
    return first(config, "data_format", "dim_ordering", default=default)


def read_layer(
    kind: str, config: dict[str, Any], name: str, index: int, context: Context
) -> tuple[layers.Layer, Context]:
    """Return a layer and the context of the next; Problem says why it cannot be rebuilt."""
    read = _read_spatial if kind in _SPATIAL else _read_other
    layer = read(kind, config, name, index, context)
    makes_vectors = isinstance(layer, layers.Flatten) or (
        isinstance(layer, layers.GlobalPooling) and not layer.keeps_axes
    )
    return layer, replace(context, flat=True) if makes_vectors else context


def _read_spatial(
    kind: str, config: dict[str, Any], name: str, index: int, context: Context
) -> layers.Layer:
    if context.flat:
        raise Problem("it needs maps, but comes after layers that make vectors")
    _check_ordering(kind, config, context)
    if kind in _POOLINGS:
        size = pair(config, "pool_size", default=(2, 2))
        strides = pair(config, "strides", default=size)
        # pool2d in backend/theano_backend.py of these releases.
        counts = (2, 0, 4) <= context.version < (2, 1, 5)
        return layers.Pooling(name, index, _POOLINGS[kind], size, strides, _padding(config), counts)
    if kind in _GLOBAL:
        keeps = flag(config, "keepdims", default=False)
        return layers.GlobalPooling(name, index, _GLOBAL[kind], keeps)
    match kind:
        case "ZeroPadding2D":
            return layers.ZeroPadding(name, index, *edges(config, "padding", 1))
        case "Cropping2D":
            return layers.Cropping(name, index, *edges(config, "cropping", 0))
        case "UpSampling2D":
            size = pair(config, "size", default=(2, 2))
            return layers.UpSampling(name, index, size, _is_bilinear(config, context))
    return _convolution(kind, config, name, index, context)


def _read_other(
    kind: str, config: dict[str, Any], name: str, index: int, context: Context
) -> layers.Layer:
    layer: layers.Layer
    match kind:
        case "Activation":
            layer = layers.Activation(name, index, _activation(config, context))
        case "ReLU" | "LeakyReLU" | "ThresholdedReLU":
            layer = _rectifier(kind, config, name, index)
        case "ELU":
            layer = layers.ExponentialUnit(name, index, number(config, "alpha", default=1.0))
        case "PReLU":
            layer = layers.ParametricRectifier(
                name, index, context.channels_first and not context.flat
            )
        case "Softmax":
            layer = layers.Softmax(name, index, _axis(config, context))
        case "Flatten":
            layer = layers.Flatten(name, index, _flattens_first(config, context))
        case "Dense":
            layer = _dense(config, name, index, context)
        case "BatchNormalization":
            layer = _batch_normalization(config, name, index, context)
        case "Permute" if config.get("dims") == ([1] if context.flat else [1, 2, 3]):
            layer = layers.Identity(name, index)
        case _ if kind in _IDLE:
            layer = layers.Identity(name, index)
        case _:
            layer = layers.Unsupported(name, index, kind)
    return layer


def _convolution(
    kind: str, config: dict[str, Any], name: str, index: int, context: Context
) -> layers.Convolution:
    if "nb_row" in config:
        size = (whole(config.get("nb_row"), "nb_row"), whole(config.get("nb_col"), "nb_col"))
    else:
        size = pair(config, "kernel_size")
    for key in ("dilation_rate", "atrous_rate"):
        if (dilation := pair(config, key, default=(1, 1))) != (1, 1):
            raise Problem(f"its {key} is {dilation[0]}×{dilation[1]}, not 1")
    if (groups := config.get("groups", 1)) != 1 and kind != "DepthwiseConv2D":
        raise Problem(f"its groups are {groups!r}, not 1")
    multiplier = whole(first(config, "depth_multiplier", default=1), "depth_multiplier")
    if kind == "DepthwiseConv2D":
        filters = multiplier
    elif "nb_filter" in config:
        filters = whole(config["nb_filter"], "nb_filter")
    else:
        filters = whole(config.get("filters"), "filters")
    how = (
        *(filters, size, pair(config, "strides", "subsample", default=(1, 1)), _padding(config)),
        *(_activation(config, context), flag(config, "use_bias", "bias")),
    )
    if kind.startswith("Separable"):
        return layers.SeparableConvolution(name, index, *how, multiplier)
    made = layers.DepthwiseConvolution if kind == "DepthwiseConv2D" else layers.Convolution
    return made(name, index, *how)


def _rectifier(kind: str, config: dict[str, Any], name: str, index: int) -> layers.Rectifier:
    match kind:
        case "LeakyReLU":
            slope = number(config, "alpha", "negative_slope", default=0.3)
            return layers.Rectifier(name, index, slope=slope)
        case "ThresholdedReLU":
            return layers.Rectifier(name, index, threshold=number(config, "theta", default=1.0))
        case _:
            slope = number(config, "negative_slope", default=0.0)
            threshold = number(config, "threshold", default=0.0)
            most = number(config, "max_value", default=inf)
            return layers.Rectifier(name, index, slope, threshold, None if most == inf else most)


def _is_bilinear(config: dict[str, Any], context: Context) -> bool:
    how = first(config, "interpolation", default="nearest")
    if how not in ("nearest", "bilinear"):
        raise Problem(f"its interpolation is {how!r}, not nearest or bilinear")
    if how == "bilinear" and context.version < (2, 4):
        raise Problem("its interpolation is bilinear, of which Keras before 2.4 had other rules")
    return bool(how == "bilinear")


def _axis(config: dict[str, Any], context: Context) -> int:
    """Return an axis, which counts from the images, as one of (row, column, channel)."""
    axis = config.get("axis", -1)
    if isinstance(axis, list) and len(axis) == 1:
        axis = axis[0]
    if context.flat:
        places = {1: 0, -1: 0}
    elif context.channels_first:
        places = {1: 2, 2: 0, 3: 1, -3: 2, -2: 0, -1: 1}
    else:
        places = {1: 0, 2: 1, 3: 2, -3: 0, -2: 1, -1: 2}
    if type(axis) is not int or axis not in places:
        what = "a vector" if context.flat else "maps"
        raise Problem(f"its axis is {axis!r}, which is none of {what}")
    return places[axis]


def _dense(config: dict[str, Any], name: str, index: int, context: Context) -> layers.Dense:
    if not context.flat:
        raise Problem("it comes before Flatten")
    units = whole(first(config, "units", "output_dim"), "units")
    has_bias = flag(config, "use_bias", "bias")
    return layers.Dense(name, index, units, _activation(config, context), has_bias)


def _batch_normalization(
    config: dict[str, Any], name: str, index: int, context: Context
) -> layers.BatchNormalization:
    if (mode := config.get("mode", 0)) != 0:
        whose = {1: "each sample", 2: "the batch"}.get(mode if type(mode) is int else 0)
        why = f": it normalises by what {whose} holds" if whose else ""
        raise Problem(f"its mode is {mode!r}{why}, not by what was found in training")
    axis = _axis(config, context)
    epsilon = config.get("epsilon")
    if not isinstance(epsilon, int | float) or not 0 <= epsilon < 1:
        raise Problem(f"its epsilon is {epsilon!r}")
    return layers.BatchNormalization(
        name,
        index,
        float(epsilon),
        context.version,
        axis,
        has_gamma=flag(config, "scale"),
        has_beta=flag(config, "center"),
    )


def _check_ordering(kind: str, config: dict[str, Any], context: Context) -> None:
    ordering = _ordering(config, context.version)
    if kind in _UNTOLD and first(config, "data_format", "dim_ordering") is None:
        return  # it is that of the layers before it
    if ordering is None:
        raise Problem("it has no data_format, nor dim_ordering")
    is_first = _ORDERINGS.get(ordering) if isinstance(ordering, str) else None
    if is_first is None:
        raise Problem(f"its data_format is {ordering!r}")
    if is_first != context.channels_first:
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
    if not isinstance(name, str) or name not in layers.ACTIVATIONS:
        raise Problem(f"its activation is {name!r}; known are {', '.join(layers.ACTIVATIONS)}")
    if name == "softmax" and not context.flat and context.version < (2,):
        raise Problem("its activation is softmax, which Keras 1 has for vectors only")
    return name


def _padding(config: dict[str, Any]) -> layers.Padding:
    padding = first(config, "padding", "border_mode", default="valid")
    if padding not in ("valid", "same"):
        raise Problem(f"its padding is {padding!r}, not valid or same")
    return cast("layers.Padding", padding)
