"""Maps of a layer of a network, for images of any size."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.cnn.importing import TensorFlow, import_tensorflow
from reportgen.cnn.network import Fitted, Network, fit_network
from reportgen.cnn.tensorflow_layers import Rebuilder
from reportgen.errors import SectionError

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Extractor:
    """Computes the maps of one layer; made by build_extractor or load_extractor.

    make_run: makes what gives the maps of one image, (1, height, width, 1), in the order (filter,
    row, column). threads: among which images are shared, each with one of those. shape: (filters,
    rows, columns) of an image's maps. note: what a reader should know of how they are computed,
    else empty.
    """

    def __init__(
        self, make_run: Callable[[], Run], fitted: Fitted, note: str = "", threads: int = 1
    ):
        self._make_run = make_run
        self._runs = [make_run()]
        self._threads = threads
        self._size = fitted.size
        self.shape = fitted.shape
        self.note = note

    def maps(self, images: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return the maps of images (n, height, width) as float32 (n, filter, row, column).

        Images go through one by one: sums are in another order in batches of another size, so an
        image's maps would depend on those beside it. It costs TensorFlow a fifth of the time.
        """
        if images.ndim != 3 or images.shape[1:] != self._size:
            raise SectionError(
                f"the images have shape {images.shape}; the network was rebuilt for "
                f"(n, {self._size[0]}, {self._size[1]})"
            )
        result = np.empty((len(images), *self.shape), dtype=np.float32)
        threads = min(self._threads, len(images))
        while len(self._runs) < threads:
            self._runs.append(self._make_run())

        def fill(first: int) -> None:
            for number in range(first, len(images), threads):
                with np.errstate(over="ignore"):
                    one = np.asarray(images[number], dtype=np.float32)[np.newaxis, :, :, np.newaxis]
                result[number] = self._runs[first](one).reshape(self.shape)

        if threads > 1:
            with ThreadPoolExecutor(threads) as executor:
                list(executor.map(fill, range(threads)))
        elif threads:
            fill(0)
        return result


def build_extractor(
    network: Network, layer_index: int, height: int, width: int, note: str = ""
) -> Extractor:
    """Rebuild a network up to a layer in TensorFlow, for images of height × width pixels.

    SectionError names the layer that cannot be rebuilt, or that the images do not fit, or says
    that TensorFlow is not installed.
    """
    fitted = fit_network(network, layer_index, height, width)
    function = rebuild(import_tensorflow(), fitted)

    def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(function(image).numpy())

    return Extractor(lambda: run, fitted, note)


def rebuild(modules: TensorFlow, fitted: Fitted) -> Any:
    """Return a function of TensorFlow: image (1, row, column, 1) → maps (1, filter, row, column).

    After Flatten, what it gives is (1, number).
    """
    tensorflow, keras = modules.tensorflow, modules.keras
    rebuilder = Rebuilder(keras, fitted.network)
    image = keras.Input(fitted.shapes[0], dtype="float32")
    tensor = image
    for layer, shape in zip(fitted.layers, fitted.shapes, strict=False):
        tensor = rebuilder.add(layer, tensor, shape)
    model = keras.Model(image, tensor)
    signature = [tensorflow.TensorSpec((1, *fitted.shapes[0]), "float32")]

    def run(images: Any) -> Any:
        found = model(images, training=False)
        return tensorflow.transpose(found, (0, 3, 1, 2)) if len(found.shape) == 4 else found

    return tensorflow.function(run, input_signature=signature, autograph=False)
