"""Maps of a layer of a network, computed by LiteRT for images of the size it was exported for.

LiteRT runs an exported network without TensorFlow, and is imported in a hundredth of the time. It
computes with XNNPACK, here with one thread to an image: the same model and image give the same
bytes in every process of a machine.
"""

import importlib
from collections.abc import Callable
from threading import Lock, local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.cnn.importing import INSTALL, first_line, silence
from reportgen.cnn.network import Fitted
from reportgen.errors import SectionError

_IDENTIFIER = slice(4, 8), b"TFL3"  # of the FlatBuffers schema; see tensorflow/lite/schema


# To load one redirects what the process prints.
_LOADING = Lock()


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

    model: of LiteRT, from export_network, of the same part of a network. LoadError when the model
    is damaged, of another shape, or cannot be run. shape: (filters, rows, columns) of an image's
    maps. Several threads may use it at once, as LiteRT lets go of Python's lock; it can be pickled.
    """

    def __init__(self, model: bytes, fitted: Fitted) -> None:
        place, identifier = _IDENTIFIER
        if model[place] != identifier:
            raise LoadError("what was exported is not a model of LiteRT")
        self._model = model
        self._image = fitted.image
        self.shape = fitted.shape
        self._of_thread = local()
        self._of_thread.run = self._load()

    def __getstate__(self) -> dict[str, Any]:
        return {name: each for name, each in vars(self).items() if name != "_of_thread"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _of_thread=local())

    def maps(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the maps of images (n, height, width, channels) as (n, filter, row, column).

        Images go through one by one: sums are in another order in batches of another size, so an
        image's maps would depend on those beside it.
        """
        if images.shape[1:] != self._image:
            raise SectionError(
                f"the images have shape {images.shape}; the network was exported for "
                f"(n, {', '.join(map(str, self._image))})"
            )
        result = np.empty((len(images), *self.shape), dtype=np.float32)
        if not hasattr(self._of_thread, "run"):
            self._of_thread.run = self._load()
        for number in range(len(images)):
            made = self._of_thread.run(images[number : number + 1])
            result[number] = made.reshape(self.shape)
        return result

    def _load(self) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """Return what computes the maps of one image, (1, height, width, channels)."""
        interpreter = import_litert()
        with _LOADING, silence():
            try:
                # It checks the whole structure first: a damaged model is an error, not a crash.
                made = interpreter.Interpreter(model_content=self._model, num_threads=1)
                made.allocate_tensors()
                (given,), (gives,) = made.get_input_details(), made.get_output_details()
            except Exception as error:
                raise LoadError(f"LiteRT cannot load it: {first_line(error)}") from error
        takes, makes = (tuple(map(int, each["shape"])) for each in (given, gives))
        # The maps of a layer, or the numbers of a vector.
        if takes != (1, *self._image) or makes not in ((1, *self.shape), (1, self.shape[0])):
            raise LoadError(f"what was exported makes {makes} of {takes}")

        def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
            made.set_tensor(given["index"], image)
            made.invoke()
            return np.asarray(made.get_tensor(gives["index"]))  # a copy, which the next one leaves

        return run
