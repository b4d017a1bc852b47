"""Maps of a layer of a network, computed by LiteRT for images of the size it was exported for.

LiteRT runs an exported network without TensorFlow, and is imported in a hundredth of the time. It
computes with XNNPACK, here with one thread to an image: the same model and image give the same
bytes in every process of a machine.
"""

import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.cnn.importing import INSTALL, first_line, silence
from reportgen.cnn.network import Fitted
from reportgen.errors import SectionError

_IDENTIFIER = slice(4, 8), b"TFL3"  # of the FlatBuffers schema; see tensorflow/lite/schema


class LoadError(Exception):
    """LiteRT cannot run a model; the message says why."""


def import_litert() -> Any:
    """Import the module of LiteRT's interpreter in silence; SectionError if that cannot be."""
    with silence():
        try:
            return importlib.import_module("ai_edge_litert.interpreter")
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] == "ai_edge_litert":
                raise SectionError("LiteRT is not installed", INSTALL) from None
            raise SectionError(f"LiteRT is not complete: {first_line(error)}", INSTALL) from error
        except Exception as error:  # of a library that does not load, for instance
            said = first_line(error)
            raise SectionError(f"LiteRT cannot be imported: {said}", INSTALL) from error


class Extractor:
    """Computes the maps of one layer.

    model: of LiteRT, from export_network, of the same part of a network. threads: among which
    images are shared, as LiteRT lets go of Python's lock. LoadError when the model is damaged, of
    another shape, or cannot be run. shape: (filters, rows, columns) of an image's maps.
    """

    def __init__(self, model: bytes, fitted: Fitted, threads: int = 1) -> None:
        place, identifier = _IDENTIFIER
        if model[place] != identifier:
            raise LoadError("what was exported is not a model of LiteRT")
        self._interpreter = import_litert()
        self._model = model
        self._fitted = fitted
        self._threads = threads
        self.shape = fitted.shape
        self._runs = [self._load()]

    def maps(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the maps of images (n, height, width, channels) as (n, filter, row, column).

        Images go through one by one: sums are in another order in batches of another size, so an
        image's maps would depend on those beside it.
        """
        if images.shape[1:] != self._fitted.image:
            raise SectionError(
                f"the images have shape {images.shape}; the network was exported for "
                f"(n, {', '.join(map(str, self._fitted.image))})"
            )
        result = np.empty((len(images), *self.shape), dtype=np.float32)
        threads = min(self._threads, len(images))
        while len(self._runs) < threads:
            self._runs.append(self._load())

        def fill(first: int) -> None:
            for number in range(first, len(images), threads):
                result[number] = self._runs[first](images[number : number + 1]).reshape(self.shape)

        if threads > 1:
            with ThreadPoolExecutor(threads) as executor:
                list(executor.map(fill, range(threads)))
        elif threads:
            fill(0)
        return result

    def _load(self) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """Return what computes the maps of one image, (1, height, width, channels)."""
        with silence():
            try:
                # It checks the whole structure first: a damaged model is an error, not a crash.
                made = self._interpreter.Interpreter(model_content=self._model, num_threads=1)
                made.allocate_tensors()
                (given,), (gives,) = made.get_input_details(), made.get_output_details()
            except Exception as error:
                raise LoadError(f"LiteRT cannot load it: {first_line(error)}") from error
        takes, makes = (tuple(map(int, each["shape"])) for each in (given, gives))
        # The maps of a layer, or the numbers of a vector.
        if takes != (1, *self._fitted.image) or makes not in ((1, *self.shape), (1, self.shape[0])):
            raise LoadError(f"what was exported makes {makes} of {takes}")

        def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
            made.set_tensor(given["index"], image)
            made.invoke()
            return np.asarray(made.get_tensor(gives["index"]))  # a copy, which the next one leaves

        return run
