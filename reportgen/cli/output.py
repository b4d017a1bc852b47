"""Standard output and error of a command, whatever they lead to."""

import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any, TextIO


def open_standard_streams() -> None:
    """Open the streams that were closed, and write any text to any terminal.

    A descriptor that was closed would be that of the next file or pipe that is opened.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdout = _open(_Descriptor(1, "w", closefd=False), sys.stdout)
    error = _Descriptor(2, "w", closefd=False)
    error.may_raise = False  # the exit code tells
    sys.stderr = _open(error, sys.stderr)


def keep_going_unread() -> None:
    """Let it be no reason to stop that standard output cannot be written any more."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, _Descriptor):
        raw.may_raise = False


class _Descriptor(FileIO):
    """A file that raises one error of writing at most.

    Python would write what is left again whenever a process is started, and at the end, with an
    exit code of its own.
    """

    may_raise = True

    def write(self, content: Any) -> int:
        """Write content; return how much of it there was."""
        try:
            return super().write(content)
        except OSError:
            if not self.may_raise:
                return len(content)
            self.may_raise = False
            raise


def _open(raw: _Descriptor, before: TextIO | None) -> TextIOWrapper:
    encoding = "utf-8" if before is None else before.encoding
    is_log = raw.fileno() == 2 or raw.isatty()
    return TextIOWrapper(BufferedWriter(raw), encoding, "backslashreplace", line_buffering=is_log)
