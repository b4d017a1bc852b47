"""Imported beforehand by a process that will export a network: imports what that takes."""

from reportgen.cnn.importing import import_tensorflow

import_tensorflow()
