"""The layers of a network as plain data, the shapes of their results and parameters."""

from dataclasses import dataclass
from typing import Literal

Padding = Literal["valid", "same"]
Pair = tuple[int, int]
# (rows, columns, channels) of maps, or (features,) of a vector; None where it is not known.
Shape = tuple[int | None, ...]

ACTIVATIONS = (
    *("linear", "relu", "sigmoid", "hard_sigmoid", "tanh", "softplus", "softsign", "softmax"),
    *("elu", "selu", "exponential"),
)


class TooSmallError(Exception):
    """A window does not fit into the maps that a layer gets."""


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
        """Return the shape of the maps."""
        return (*_windows(self, shape), self.filters)

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Return the shapes of the kernel and the biases."""
        kernel: dict[str, Shape] = {"kernel": (*self.size, shape[2], self.filters)}
        return kernel | ({"bias": (self.filters,)} if self.has_bias else {})


@dataclass(frozen=True)
class Activation(Layer):
    """A function of each number; softmax, of each vector."""

    function: str


@dataclass(frozen=True)
class Pooling(Layer):
    """The largest or the mean number of each window."""

    kind: Literal["max", "average"]
    size: Pair
    strides: Pair
    padding: Padding = "valid"

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the maps."""
        return (*_windows(self, shape), shape[2])


@dataclass(frozen=True)
class Dropout(Layer):
    """Nothing, outside training."""


@dataclass(frozen=True)
class Flatten(Layer):
    """Maps as one vector; channels_first: in the order (channel, row, column)."""

    channels_first: bool

    def output_shape(self, shape: Shape) -> Shape:
        """Return the length of the vector."""
        return (product(shape),)


@dataclass(frozen=True)
class Dense(Layer):
    """Weighted sums of all numbers of a vector, with an activation of its own."""

    units: int
    activation: str = "linear"
    has_bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        """Return the number of units."""
        return (self.units,)

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Return the shapes of the kernel and the biases."""
        kernel: dict[str, Shape] = {"kernel": (shape[0], self.units)}
        return kernel | ({"bias": (self.units,)} if self.has_bias else {})


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Each channel shifted and scaled by what was found in training.

    has_gamma, has_beta: whether the two learned parameters are in the weight file. keras: the
    release that wrote it, on which the meaning of the stored spread depends.
    """

    epsilon: float
    keras: tuple[int, ...]
    has_gamma: bool = True
    has_beta: bool = True

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Return the shapes of what the file holds: gamma and beta if learned, mean and spread."""
        names = ["gamma"] * self.has_gamma + ["beta"] * self.has_beta + ["mean", "spread"]
        return dict.fromkeys(names, (shape[-1],))


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
