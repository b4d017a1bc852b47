"""A network: its layers and their parameters, and the part of it that makes one layer's maps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from reportgen.cnn.layers import (
    BatchNormalization,
    Convolution,
    Flatten,
    Layer,
    Nonlinearity,
    ParametricRectifier,
    Shape,
    TooSmallError,
    Unsupported,
    product,
)
from reportgen.config.suggest import unknown
from reportgen.errors import SectionError, SourceError
from reportgen.wording import counted

MOST_WEIGHTS = 2**28  # of one layer that is drawn: 1 GB

Backend = Literal["theano", "tensorflow"]
# Name → values: kernel and bias, or scale and shift.
Parameters = Mapping[str, NDArray[np.float32]]


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
        """Return the index of a layer named by its index, its name, or None.

        None is the last convolution together with the activation after it. SectionError when
        there is no such layer.
        """
        if wanted is None:
            return self._last_convolution()
        if isinstance(wanted, str):
            indices = {layer.name: layer.index for layer in self.layers}
            if wanted not in indices:
                raise SectionError(unknown("layer", wanted, indices))
            return indices[wanted]
        if not 0 <= wanted < len(self.layers):
            raise SectionError(
                f"there is no layer {wanted}: the model has {len(self.layers)}",
                f"layers: {self.listed()}",
            )
        return wanted

    def layers_to(self, index: int) -> tuple[Layer, ...]:
        """Return the layers that the one with this index needs, and itself.

        SectionError names one that cannot be rebuilt.
        """
        needed = self.layers[: index + 1]
        for layer in needed:
            if isinstance(layer, Unsupported):
                role = "" if layer.index == index else f", which comes before {needed[-1].name},"
                why = f": {layer.why}" if layer.why else ""
                raise SectionError(
                    f"layer {layer.name}{role} is a {layer.kind} that cannot be rebuilt{why}",
                    f"choose a layer before it: {self.listed(layer.index)}",
                )
        return needed

    def rebuildable(self, channels: int | None = None) -> Iterator[tuple[Layer, Shape]]:
        """Yield each layer before the first unsupported one, with the shape of what it gets.

        The shapes are those of the model's own input, as far as it is recorded. channels: of the
        images, for a model that does not record them.
        """
        shape = self.input_shape or (None, None, channels)
        for layer in self.layers:
            if isinstance(layer, Unsupported):
                return
            yield layer, shape
            shape = layer.output_shape(shape)

    def listed(self, stop: int | None = None) -> str:
        """Name the layers with their indices, all or those before one."""
        return ", ".join(f"{each.index} {each.name}" for each in self.layers[:stop]) or "none"

    def _last_convolution(self) -> int:
        convolutions = [each for each in self.layers if isinstance(each, Convolution)]
        if not convolutions:
            raise SectionError(
                "the model has no convolution that can be rebuilt", f"layers: {self.listed()}"
            )
        last = convolutions[-1]
        if last.activation == "linear":
            for layer in self.layers[last.index + 1 :]:
                if isinstance(layer, Nonlinearity):
                    return layer.index
                if not isinstance(layer, BatchNormalization):
                    break
        return last.index


@dataclass(frozen=True, eq=False)
class Network:
    """An architecture with parameters, as TensorFlow wants them.

    parameters: by index of the layer. A convolution's kernel is (row, column, in, out) and is to
    be correlated; a dense kernel is (in, out); batch normalisation has scale and shift; the slopes
    of a rectifier are in the order (row, column, channel). Layers after one that is unsupported
    have none. trained_with: whose way to pad is followed.
    """

    architecture: Architecture
    parameters: Mapping[int, Parameters]
    trained_with: Backend = "tensorflow"


def random_network(
    architecture: Architecture,
    seed: int,
    trained_with: Backend | None = None,
    channels: int = 1,
) -> Network:
    """Return a network of random weights: Glorot uniform, biases and slopes 0, normalisation idle.

    Glorot & Bengio 2010, Proc. AISTATS 9, 249, equation 16; numbers from numpy's PCG64. Kernels
    that follow Flatten have the size that the model's own input shape gives. trained_with: whose
    way to pad is followed, where it should be that of trained weights beside these. channels: of
    the images, for a model that does not record them.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    parameters: dict[int, Parameters] = {}
    for layer, shape in architecture.rebuildable(channels):
        if isinstance(layer, Flatten) and product(shape) is None:
            break
        sizes = [product(lengths) or 0 for lengths in layer.parameter_shapes(shape).values()]
        if max(sizes, default=0) > MOST_WEIGHTS:
            raise SourceError(f"layer {layer.name} has too many weights to draw")
        if drawn := _draw_parameters(layer, shape, generator):
            parameters[layer.index] = drawn
    recorded = architecture.backend if architecture.backend in get_args(Backend) else "tensorflow"
    return Network(architecture, parameters, trained_with or cast("Backend", recorded))


def _draw_parameters(layer: Layer, shape: Shape, generator: np.random.Generator) -> Parameters:
    """Draw a kernel, uniform within ±√(6 / (fan in + fan out)), with biases 0.

    A convolution's fans are its channels times the size of its kernel.
    """
    wanted = layer.parameter_shapes(shape)
    if isinstance(layer, BatchNormalization):
        ones = np.ones([length or 1 for length in wanted["mean"]], dtype=np.float32)
        return {"scale": ones, "shift": np.zeros_like(ones)}
    if isinstance(layer, ParametricRectifier):  # the same for images of any size
        return {"slopes": np.zeros(1, dtype=np.float32)}
    result: dict[str, NDArray[np.float32]] = {}
    for name, lengths in wanted.items():
        known = tuple(1 if length is None else length for length in lengths)
        if name == "bias":
            result[name] = np.zeros(known, dtype=np.float32)
            continue
        limit = np.sqrt(6 / (np.prod(known[:-2]) * (known[-2] + known[-1])))
        result[name] = generator.uniform(-limit, limit, known).astype(np.float32)
    return result


@dataclass(frozen=True, eq=False)
class Fitted:
    """The layers up to the wanted one; made by fit_network.

    shapes: of the image, and of what each layer makes of it.
    """

    network: Network
    layers: tuple[Layer, ...]
    shapes: tuple[Shape, ...]

    @property
    def image(self) -> tuple[int, int, int]:
        """Height, width and channels of the images."""
        height, width, channels = _known(self.shapes[0])
        return height, width, channels

    @property
    def shape(self) -> tuple[int, int, int]:
        """(filters, rows, columns) of an image's maps; a vector is maps of one cell."""
        last = _known(self.shapes[-1])
        return (last[2], last[0], last[1]) if len(last) == 3 else (last[0], 1, 1)


def fit_network(
    network: Network, layer_index: int, height: int, width: int, channels: int = 1
) -> Fitted:
    """Take the layers up to one, for images of height × width pixels and some channels.

    The model's own input size does not matter, unless a dense layer comes before the wanted one.
    SectionError names the layer that cannot be rebuilt, or that the images do not fit.
    """
    layers = network.architecture.layers_to(layer_index)
    return Fitted(network, layers, tuple(_shapes(network, layers, (height, width, channels))))


def _known(shape: Shape) -> tuple[int, ...]:
    return tuple(length or 0 for length in shape)


def _shapes(
    network: Network, layers: tuple[Layer, ...], image: tuple[int, int, int]
) -> list[Shape]:
    """Return the shape of the image and of what each layer makes of it."""
    own, channels = network.architecture.input_shape, image[2]
    if own is not None and len(own) == 1:
        raise SectionError(f"the model takes vectors of {own[0]} numbers, not images")
    if own is not None and own[2] not in (None, channels):
        have = "one" if channels == 1 else f"{channels}"
        raise SectionError(
            f"the model takes images of {counted(own[2], 'channels')}, but these have {have}",
            "choose other images, or a model that was trained on such",
        )
    shapes: list[Shape] = [image]
    for layer in layers:
        _check_fit(network, layer, shapes[-1], f"{image[0]}×{image[1]}")
        try:
            shapes.append(layer.output_shape(shapes[-1]))
        except TooSmallError as error:
            raise SectionError(
                f"images of {image[0]}×{image[1]} pixels are too small for the model: {error}",
                "choose a layer before it, or larger images",
            ) from None
    return shapes


def _check_fit(network: Network, layer: Layer, shape: Shape, size: str) -> None:
    """Check that a layer's parameters are for as many numbers as it gets."""
    found = network.parameters.get(layer.index)
    if not found:
        return
    if "slopes" in found:
        own = found["slopes"].shape
        given = shape[-len(own) :]  # drawn ones are one for all
        fits = all(n in (1, m) for n, m in zip(own, given, strict=True))
        takes, gives = _listed(own), _listed(given)
        what = "numbers"
    else:
        axis = layer.axis if isinstance(layer, BatchNormalization) else -1
        values = found["scale" if "scale" in found else "kernel"]
        takes, gives = f"{values.shape[-2 if 'kernel' in found else 0]}", f"{shape[axis]}"
        fits = takes == gives
        what = "numbers" if len(shape) == 1 else ("rows", "columns", "channels")[axis]
    if fits:
        return
    raise SectionError(
        f"layer {layer.name} takes {takes} {what}, but images of {size} pixels give it {gives}",
        "the weights are of another architecture"
        if what == "channels"
        else f"{_own_size(network.architecture)}choose a layer before {layer.name}",
    )


def _listed(shape: Shape) -> str:
    return "×".join(map(str, shape))


def _own_size(architecture: Architecture) -> str:
    shape = architecture.input_shape
    if shape is None or None in shape:
        return ""
    return f"the model was trained on images of {shape[0]}×{shape[1]} pixels; "
