"""TensorFlow and Keras 3, imported in silence and set to one thread."""

import importlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from reportgen.errors import SectionError

_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",  # the CPU gives the same numbers everywhere
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GLOG_minloglevel": "3",
}
INSTALL = "pip install 'reportgen[cnn]'"
"""What gives TensorFlow and LiteRT."""
_LONGEST = 300  # characters of an error of theirs that a reader is shown


@dataclass(frozen=True)
class TensorFlow:
    """The two modules."""

    tensorflow: Any
    keras: Any


def import_tensorflow() -> TensorFlow:
    """Import TensorFlow and Keras; nothing of it reaches stdout or stderr.

    One thread within and one between operations: the same bytes whatever the number of cores, and
    two processes on two cores do not disturb each other. SectionError if they are not installed
    or do not start.
    """
    os.environ.update(_ENVIRONMENT)
    with silence() as said:
        try:
            tensorflow = importlib.import_module("tensorflow")
            keras = importlib.import_module("keras")
        except ModuleNotFoundError as error:
            if error.name in ("tensorflow", "keras"):
                raise SectionError("TensorFlow is not installed", INSTALL) from None
            raise SectionError(f"TensorFlow is not complete: {error}", INSTALL) from None
        except Exception as error:
            said.seek(0)
            last = said.read().decode(errors="replace").strip()[-2000:]
            also = f"; it said: {last}" if last else ""
            raise SectionError(f"TensorFlow cannot be imported: {error}{also}", INSTALL) from error
        if keras.backend.backend() != "tensorflow":
            raise SectionError(
                f"Keras runs on {keras.backend.backend()} in this process, not on TensorFlow"
            )
        _set_up(tensorflow, keras)
    return TensorFlow(tensorflow, keras)


def _set_up(tensorflow: Any, keras: Any) -> None:
    threading = tensorflow.config.threading
    # Refused once something has been computed in this process; then they are set already.
    with suppress(RuntimeError):
        threading.set_intra_op_parallelism_threads(1)
        threading.set_inter_op_parallelism_threads(1)
    tensorflow.get_logger().setLevel("ERROR")
    tensorflow.random.set_seed(0)
    # ~/.keras/keras.json may say otherwise.
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    # Starts the runtime, which has something to say too.
    tensorflow.constant(0.0)


def first_line(error: BaseException) -> str:
    """Return what an error of TensorFlow or LiteRT says, without the pages that may follow."""
    lines = str(error).strip().splitlines()
    said = lines[0].strip().rstrip(".") if lines else type(error).__name__
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


@contextmanager
def silence() -> Iterator[IO[bytes]]:
    """Send what Python or C++ write to stdout and stderr to a file; also hide warnings."""
    with tempfile.TemporaryFile() as said, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept: list[tuple[int, int]] = []
        try:
            for number, stream in ((1, sys.stdout), (2, sys.stderr)):
                with suppress(Exception):
                    stream.flush()
                with suppress(OSError):  # a process may have closed them
                    kept.append((number, os.dup(number)))
                    os.dup2(said.fileno(), number)
            yield said
        finally:
            for number, copy in kept:
                with suppress(Exception):
                    (sys.stdout if number == 1 else sys.stderr).flush()
                os.dup2(copy, number)
                os.close(copy)
