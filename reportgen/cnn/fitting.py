"""The part of a network that makes the maps of one layer, for images of one size."""

from dataclasses import dataclass

from reportgen.cnn.layers import Architecture, Dense, Layer, Network, Shape
from reportgen.cnn.shapes import TooSmallError, output_shape
from reportgen.errors import SectionError


@dataclass(frozen=True, eq=False)
class Fitted:
    """The layers up to the wanted one; made by fit_network.

    shapes: of the image, and of what each layer makes of it.
    """

    network: Network
    layers: tuple[Layer, ...]
    shapes: tuple[Shape, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images in pixels."""
        return _known(self.shapes[0])[0], _known(self.shapes[0])[1]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(filters, rows, columns) of an image's maps; a vector is maps of one cell."""
        last = _known(self.shapes[-1])
        return (last[2], last[0], last[1]) if len(last) == 3 else (last[0], 1, 1)


def fit_network(network: Network, layer_index: int, height: int, width: int) -> Fitted:
    """Take the layers up to one, for images of height × width pixels and one channel.

    The model's own input size does not matter, unless a dense layer comes before the wanted one.
    SectionError names the layer that cannot be rebuilt, or that the images do not fit.
    """
    layers = network.architecture.layers_to(layer_index)
    return Fitted(network, layers, tuple(_shapes(network, layers, height, width)))


def _known(shape: Shape) -> tuple[int, ...]:
    return tuple(length or 0 for length in shape)


def _shapes(network: Network, layers: tuple[Layer, ...], height: int, width: int) -> list[Shape]:
    """Give the shape of the image and of what each layer makes of it."""
    own = network.architecture.input_shape
    if own is not None and len(own) == 1:
        raise SectionError(f"the model takes vectors of {own[0]} numbers, not images")
    if own is not None and own[2] not in (None, 1):
        raise SectionError(
            f"the model takes images of {own[2]} channels, but these have one",
            "only models of images with one channel can be run",
        )
    shapes: list[Shape] = [(height, width, 1)]
    for layer in layers:
        _check_fit(network, layer, shapes[-1], (height, width))
        try:
            shapes.append(output_shape(layer, shapes[-1]))
        except TooSmallError as error:
            raise SectionError(
                f"images of {height}×{width} pixels are too small for the model: {error}",
                "choose a layer before it, or larger images",
            ) from None
    return shapes


def _check_fit(network: Network, layer: Layer, shape: Shape, size: tuple[int, int]) -> None:
    """Check that a layer's parameters are for as many numbers as it gets."""
    found = network.parameters.get(layer.index)
    if found is None:
        return
    values = found.get("kernel", found.get("scale"))
    expected = int(values.shape[-2 if "kernel" in found else 0]) if values is not None else 0
    if expected == shape[-1]:
        return
    what = "numbers" if len(shape) == 1 else "channels"
    raise SectionError(
        f"layer {layer.name} takes {expected} {what}, but images of {size[0]}×{size[1]} pixels "
        f"give it {shape[-1]}",
        f"{_own_size(network.architecture)}choose a layer before {layer.name}"
        if isinstance(layer, Dense) or len(shape) == 1
        else "the weights are of another architecture",
    )


def _own_size(architecture: Architecture) -> str:
    shape = architecture.input_shape
    if shape is None or None in shape:
        return ""
    return f"the model was trained on images of {shape[0]}×{shape[1]} pixels; "
