"""The layers of a network as plain data, the shapes of their results and parameters."""

from dataclasses import dataclass
from typing import Literal

Padding = Literal["valid", "same"]
Pair = tuple[int, int]
# (rows, columns, channels) of maps, or (features,) of a vector; None where it is not known.
Shape = tuple[int | None, ...]

ACTIVATIONS = (
    *("linear", "relu", "sigmoid", "hard_sigmoid", "tanh", "softplus", "softsign", "softmax"),
    *("elu", "selu", "exponential", "relu6", "leaky_relu", "silu", "swish", "gelu", "mish"),
)


class TooSmallError(Exception):
    """A window, or what is cut off, does not fit into the maps that a layer gets."""


@dataclass(frozen=True)
class Layer:
    """What every layer has; index counts from 0, as Keras' ``model.layers`` does."""

    name: str
    index: int

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the result from that of what the layer gets.

        The rules are those of all Keras releases: ``valid`` windows lie inside the image, ``same``
        gives one number per stride. TooSmallError says which window does not fit.
        """
        return shape

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Return name and shape of each parameter in a weight file, in TensorFlow's order of axes.

        shape: of what the layer gets.
        """
        return {}


@dataclass(frozen=True)
class Convolution(Layer):
    """A two-dimensional convolution with an activation of its own, often ``linear``."""

    filters: int
    size: Pair
    strides: Pair = (1, 1)
    padding: Padding = "valid"
    activation: str = "linear"
    has_bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        return (*_windows(self, shape), self.filters)

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return _with_bias(self, (self.filters,), kernel=(*self.size, shape[2], self.filters))


@dataclass(frozen=True)
class DepthwiseConvolution(Convolution):
    """A convolution of each channel by itself; filters: of each channel."""

    def output_shape(self, shape: Shape) -> Shape:
        return (*_windows(self, shape), product((shape[2], self.filters)))

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        bias = self.output_shape(shape)[2:]
        return _with_bias(self, bias, kernel=(*self.size, shape[2], self.filters))


@dataclass(frozen=True)
class SeparableConvolution(Convolution):
    """A convolution of each channel by itself, and sums of what they give.

    multiplier: how many filters each channel has.
    """

    multiplier: int = 1

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        kernels: dict[str, Shape] = {
            "kernel": (*self.size, shape[2], self.multiplier),
            "pointwise kernel": (1, 1, product((shape[2], self.multiplier)), self.filters),
        }
        return _with_bias(self, (self.filters,), **kernels)


@dataclass(frozen=True)
class Nonlinearity(Layer):
    """A function of each number, or of each vector."""


@dataclass(frozen=True)
class Activation(Nonlinearity):
    """One of ACTIVATIONS."""

    function: str


@dataclass(frozen=True)
class Rectifier(Nonlinearity):
    """ReLU, LeakyReLU or ThresholdedReLU: x above the threshold, but at most so much.

    slope: of the line below the threshold, which is 0 there.
    """

    slope: float = 0.0
    threshold: float = 0.0
    most: float | None = None


@dataclass(frozen=True)
class ExponentialUnit(Nonlinearity):
    """ELU: x above 0, else alpha · (exp(x) - 1)."""

    alpha: float


@dataclass(frozen=True)
class ParametricRectifier(Nonlinearity):
    """PReLU: a rectifier whose slopes below 0 were learned.

    channels_first: whether the slopes of maps are stored so. Those that are shared along an axis
    have one for it, which only the weight file says for sure.
    """

    channels_first: bool

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return {"slopes": (None,) * len(shape)}


@dataclass(frozen=True)
class Softmax(Nonlinearity):
    """Softmax along an axis of (row, column, channel) or (feature,)."""

    axis: int


@dataclass(frozen=True)
class ZeroPadding(Layer):
    """Zeros around maps. rows, columns: how many before and after."""

    rows: Pair
    columns: Pair

    def output_shape(self, shape: Shape) -> Shape:
        return (_longer(shape[0], sum(self.rows)), _longer(shape[1], sum(self.columns)), shape[2])


@dataclass(frozen=True)
class Cropping(Layer):
    """Maps without their edges. rows, columns: how many are cut off before and after."""

    rows: Pair
    columns: Pair

    def output_shape(self, shape: Shape) -> Shape:
        cut = sum(self.rows), sum(self.columns)
        rows, columns = (_longer(length, -n) for length, n in zip(shape[:2], cut, strict=True))
        if (rows is not None and rows <= 0) or (columns is not None and columns <= 0):
            raise TooSmallError(
                f"layer {self.name} cuts off {cut[0]} rows and {cut[1]} columns and gets maps of "
                f"{shape[0]}×{shape[1]}"
            )
        return rows, columns, shape[2]


@dataclass(frozen=True)
class UpSampling(Layer):
    """Each number of maps repeated along both axes, or interpolated between their centres."""

    size: Pair
    is_bilinear: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        rows, columns = (product(pair) for pair in zip(shape[:2], self.size, strict=True))
        return rows, columns, shape[2]


@dataclass(frozen=True)
class Pooling(Layer):
    """The largest or the mean number of each window.

    counts_padding: whether Theano took padding for zeros of which the mean is.
    """

    kind: Literal["max", "average"]
    size: Pair
    strides: Pair
    padding: Padding = "valid"
    counts_padding: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        return (*_windows(self, shape), shape[2])


@dataclass(frozen=True)
class GlobalPooling(Layer):
    """The largest or the mean number of each map. keeps_axes: as maps of one cell."""

    kind: Literal["max", "average"]
    keeps_axes: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        return (1, 1, shape[2]) if self.keeps_axes else (shape[2],)


@dataclass(frozen=True)
class Identity(Layer):
    """Nothing, or nothing outside training: Dropout, noise, the input of a graph."""


@dataclass(frozen=True)
class Flatten(Layer):
    """Maps as one vector; channels_first: in the order (channel, row, column)."""

    channels_first: bool

    def output_shape(self, shape: Shape) -> Shape:
        return (product(shape),)


@dataclass(frozen=True)
class Dense(Layer):
    """Weighted sums of all numbers of a vector, with an activation of its own."""

    units: int
    activation: str = "linear"
    has_bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        return (self.units,)

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        return _with_bias(self, (self.units,), kernel=(shape[0], self.units))


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Each channel shifted and scaled by what was found in training.

    axis: along which they are the channels: of (row, column, channel) or (feature,), as it was
    easy to name another than that of the channels. has_gamma, has_beta: whether the two learned
    parameters are in the weight file. keras: the release that wrote it, on which the meaning of the
    stored spread depends.
    """

    epsilon: float
    keras: tuple[int, ...]
    axis: int = -1
    has_gamma: bool = True
    has_beta: bool = True

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        names = ["gamma"] * self.has_gamma + ["beta"] * self.has_beta + ["mean", "spread"]
        return dict.fromkeys(names, (shape[self.axis],))


@dataclass(frozen=True)
class Unsupported(Layer):
    """A layer that cannot be rebuilt; it matters only before the wanted one.

    kind: its Keras class. why: which of its keys, for a class that is otherwise known.
    """

    kind: str
    why: str = ""


def product(shape: Shape) -> int | None:
    """Return how many numbers a shape holds; None if a length is not known."""
    total = 1
    for length in shape:
        if length is None:
            return None
        total *= length
    return total


def _with_bias(layer: "Convolution | Dense", bias: Shape, **kernels: Shape) -> dict[str, Shape]:
    return {**kernels, "bias": bias} if layer.has_bias else kernels


def _longer(length: int | None, by: int) -> int | None:
    return None if length is None else length + by


def _windows(layer: Convolution | Pooling, shape: Shape) -> tuple[int | None, int | None]:
    rows, columns = (
        _count(length, size, stride, layer.padding)
        for length, size, stride in zip(shape[:2], layer.size, layer.strides, strict=True)
    )
    if 0 in (rows, columns):
        raise TooSmallError(
            f"layer {layer.name} has windows of {layer.size[0]}×{layer.size[1]} and gets maps of "
            f"{shape[0]}×{shape[1]}"
        )
    return rows, columns


def _count(length: int | None, size: int, stride: int, padding: Padding) -> int | None:
    if length is None:
        return None
    if padding == "same":
        return -(-length // stride)
    return (length - size) // stride + 1 if length >= size else 0
