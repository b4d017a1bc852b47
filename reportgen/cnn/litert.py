"""LiteRT: runs an exported network without TensorFlow, and is imported in a hundredth of the time.

Networks are exported by ``exporting.py``. LiteRT computes with XNNPACK, here with one thread to an
image: the same model and image give the same bytes in every process of a machine.
"""

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.cnn.extractor import Extractor, Run
from reportgen.cnn.importing import INSTALL, first_line, silence
from reportgen.cnn.network import Fitted

_IDENTIFIER = slice(4, 8), b"TFL3"  # of the FlatBuffers schema; see tensorflow/lite/schema


class LiteRTError(Exception):
    """LiteRT is not there, or cannot run a model; the message says why."""


def import_litert() -> Any:
    """Import the module of LiteRT's interpreter in silence; LiteRTError if that cannot be."""
    with silence():
        try:
            return importlib.import_module("ai_edge_litert.interpreter")
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] == "ai_edge_litert":
                raise LiteRTError(f"LiteRT is not installed ({INSTALL})") from None
            raise LiteRTError(f"LiteRT is not complete: {first_line(error)}") from error
        except Exception as error:  # of a library that does not load, for instance
            raise LiteRTError(f"LiteRT cannot be imported: {first_line(error)}") from error


def load_extractor(interpreter: Any, model: bytes, fitted: Fitted, threads: int = 1) -> Extractor:
    """Return what computes maps by an exported network.

    interpreter: from import_litert. model: from export_network, of the same part of a network.
    threads: how many images are shown to it at once, as LiteRT lets go of Python's lock.
    LiteRTError when it is damaged, of another shape, or cannot be run.
    """
    place, identifier = _IDENTIFIER
    if model[place] != identifier:
        raise LiteRTError("what was exported is not a model of LiteRT")
    return Extractor(lambda: _run(interpreter, model, fitted), fitted, threads=threads)


def _run(interpreter: Any, model: bytes, fitted: Fitted) -> Run:
    """Return what computes the maps of one image."""
    with silence():
        try:
            # It checks the whole structure first: a damaged model is an error, not a crash.
            made = interpreter.Interpreter(model_content=model, num_threads=1)
            made.allocate_tensors()
            (given,), (gives,) = made.get_input_details(), made.get_output_details()
        except Exception as error:
            raise LiteRTError(f"LiteRT cannot load it: {first_line(error)}") from error
    takes, makes = (tuple(map(int, each["shape"])) for each in (given, gives))
    # The maps of a layer, or the numbers of a vector.
    if takes != (1, *fitted.size, 1) or makes not in ((1, *fitted.shape), (1, fitted.shape[0])):
        raise LiteRTError(f"what was exported makes {makes} of {takes}")

    def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
        made.set_tensor(given["index"], image)
        made.invoke()
        return np.asarray(made.get_tensor(gives["index"]))  # a copy, which the next image leaves

    return run
