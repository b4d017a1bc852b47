"""Maps of a layer of a network, for images of any size."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.cnn.importing import TensorFlow, import_tensorflow
from reportgen.cnn.layers import Architecture, Dense, Layer, Network, Shape
from reportgen.cnn.rebuilding import Rebuilder
from reportgen.cnn.shapes import TooSmallError, output_shape
from reportgen.errors import SectionError


class Extractor:
    """Computes the maps of one layer; made by build_extractor.

    shape: (filters, rows, columns) of an image's maps.
    """

    def __init__(self, run: Any, size: tuple[int, int], shape: tuple[int, int, int]):
        self._run = run
        self._size = size
        self.shape = shape

    def maps(self, images: NDArray[np.generic]) -> NDArray[np.float32]:
        """Give the maps of images (n, height, width) as float32 (n, filter, row, column).

        Images go through one by one: TensorFlow sums in another order in batches of another size,
        so an image's maps would depend on those beside it. It costs a fifth of the time.
        """
        if images.ndim != 3 or images.shape[1:] != self._size:
            raise SectionError(
                f"the images have shape {images.shape}; the network was rebuilt for "
                f"(n, {self._size[0]}, {self._size[1]})"
            )
        result = np.empty((len(images), *self.shape), dtype=np.float32)
        for number, image in enumerate(images):
            with np.errstate(over="ignore"):
                one = np.asarray(image, dtype=np.float32)[np.newaxis, :, :, np.newaxis]
            result[number] = self._run(one).numpy().reshape(self.shape)
        return result


def build_extractor(network: Network, layer_index: int, height: int, width: int) -> Extractor:
    """Rebuild a network up to a layer for images of height × width pixels and one channel.

    The model's own input size does not matter, unless a dense layer comes before the wanted one.
    SectionError names the layer that cannot be rebuilt, or that the images do not fit.
    """
    layers = network.architecture.layers_to(layer_index)
    shapes = _shapes(network, layers, height, width)
    return _build(import_tensorflow(), network, layers, shapes)


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


def _build(
    modules: TensorFlow, network: Network, layers: tuple[Layer, ...], shapes: list[Shape]
) -> Extractor:
    tensorflow, keras = modules.tensorflow, modules.keras
    rebuilder = Rebuilder(keras, network)
    image = keras.Input(shapes[0], dtype="float32")
    tensor = image
    for layer, shape in zip(layers, shapes, strict=False):
        tensor = rebuilder.add(layer, tensor, shape)
    model = keras.Model(image, tensor)
    signature = [tensorflow.TensorSpec((1, *shapes[0]), "float32")]

    def run(images: Any) -> Any:
        found = model(images, training=False)
        return tensorflow.transpose(found, (0, 3, 1, 2)) if len(found.shape) == 4 else found

    last = shapes[-1]
    shape = (last[2], last[0], last[1]) if len(last) == 3 else (last[0], 1, 1)
    return Extractor(
        tensorflow.function(run, input_signature=signature, autograph=False),
        (int(shapes[0][0] or 0), int(shapes[0][1] or 0)),
        (int(shape[0] or 0), int(shape[1] or 0), int(shape[2] or 0)),
    )
