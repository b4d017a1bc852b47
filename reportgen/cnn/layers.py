"""A network as plain data: its layers, in the words of today, and their parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.config.suggest import unknown
from reportgen.errors import SectionError

Backend = Literal["theano", "tensorflow"]
Padding = Literal["valid", "same"]
Pair = tuple[int, int]
# (rows, columns, channels) of maps, or (features,) of a vector; None where it is not known.
Shape = tuple[int | None, ...]
# Name → values: kernel and bias, or scale and shift.
Parameters = Mapping[str, NDArray[np.float32]]

ACTIVATIONS = (
    "linear",
    "relu",
    "sigmoid",
    "hard_sigmoid",
    "tanh",
    "softplus",
    "softsign",
    "softmax",
    "elu",
    "selu",
    "exponential",
)


@dataclass(frozen=True)
class Layer:
    """What every layer has; index counts from 0, as Keras' ``model.layers`` does."""

    name: str
    index: int


@dataclass(frozen=True)
class Convolution(Layer):
    """A two-dimensional convolution with an activation of its own, often ``linear``."""

    filters: int
    size: Pair
    strides: Pair = (1, 1)
    padding: Padding = "valid"
    activation: str = "linear"
    has_bias: bool = True


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


@dataclass(frozen=True)
class Dropout(Layer):
    """Nothing, outside training."""


@dataclass(frozen=True)
class Flatten(Layer):
    """Maps as one vector; channels_first: in the order (channel, row, column)."""

    channels_first: bool


@dataclass(frozen=True)
class Dense(Layer):
    """Weighted sums of all numbers of a vector, with an activation of its own."""

    units: int
    activation: str = "linear"
    has_bias: bool = True


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


@dataclass(frozen=True)
class Unsupported(Layer):
    """A layer that cannot be rebuilt; it matters only before the wanted one.

    kind: its Keras class. why: which of its keys, for a class that is otherwise known.
    """

    kind: str
    why: str = ""


@dataclass(frozen=True)
class Architecture:
    """The layers of a Sequential model.

    input_shape: (rows, columns, channels) or (features,) of the images it was trained on, in
    this order whatever channels_first says. keras, backend: as recorded, else empty.
    """

    layers: tuple[Layer, ...]
    channels_first: bool
    input_shape: Shape | None = None
    keras: str = ""
    backend: str = ""

    def find_layer(self, wanted: int | str | None = None) -> int:
        """Give the index of a layer named by its index, its name, or None.

        None is the last convolution together with the activation after it. SectionError when
        there is no such layer.
        """
        if wanted is None:
            return self._last_convolution()
        if isinstance(wanted, str):
            for layer in self.layers:
                if layer.name == wanted:
                    return layer.index
            raise SectionError(unknown("layer", wanted, (layer.name for layer in self.layers)))
        if not 0 <= wanted < len(self.layers):
            raise SectionError(
                f"there is no layer {wanted}: the model has {len(self.layers)}",
                f"layers: {self.listed()}",
            )
        return int(wanted)

    def layers_to(self, index: int) -> tuple[Layer, ...]:
        """Give the layers that the one with this index needs, and itself.

        SectionError names one that cannot be rebuilt.
        """
        needed = self.layers[: index + 1]
        for layer in needed:
            if isinstance(layer, Unsupported):
                role = "" if layer.index == index else f", which comes before {needed[-1].name},"
                why = f": {layer.why}" if layer.why else ""
                raise SectionError(
                    f"layer {layer.name}{role} is a {layer.kind} that cannot be rebuilt{why}",
                    f"choose a layer before it: {listed(self.layers[: layer.index])}",
                )
        return needed

    def listed(self) -> str:
        """Name all layers with their indices."""
        return listed(self.layers)

    def _last_convolution(self) -> int:
        last = max(
            (each.index for each in self.layers if isinstance(each, Convolution)), default=-1
        )
        if last < 0:
            raise SectionError(
                "the model has no convolution that can be rebuilt", f"layers: {self.listed()}"
            )
        convolution = self.layers[last]
        if isinstance(convolution, Convolution) and convolution.activation != "linear":
            return last
        for layer in self.layers[last + 1 :]:
            if isinstance(layer, Activation):
                return layer.index
            if not isinstance(layer, BatchNormalization):
                break
        return last


def listed(layers: tuple[Layer, ...]) -> str:
    """Name layers with their indices."""
    return ", ".join(f"{layer.index} {layer.name}" for layer in layers) or "none"


@dataclass(frozen=True, eq=False)
class Network:
    """An architecture with parameters, as TensorFlow wants them.

    parameters: by index of the layer. A convolution's kernel is (row, column, in, out) and is to
    be correlated; a dense kernel is (in, out); batch normalisation has scale and shift. Layers
    after one that is unsupported have none. trained_with: whose way to pad is followed.
    """

    architecture: Architecture
    parameters: Mapping[int, Parameters]
    trained_with: Backend = "tensorflow"

    def find_layer(self, wanted: int | str | None = None) -> int:
        """Give the index of a layer; see Architecture.find_layer."""
        return self.architecture.find_layer(wanted)
