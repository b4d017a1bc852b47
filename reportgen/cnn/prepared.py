"""Imported beforehand by a process that will export a network: imports what that takes."""

from contextlib import suppress

from reportgen.cnn.importing import import_tensorflow
from reportgen.cnn.litert import LiteRTError, import_litert

with suppress(LiteRTError):  # then TensorFlow computes the maps
    import_litert()
import_tensorflow()
