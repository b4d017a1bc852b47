"""Standard output and error of a command, whatever they lead to."""

import os
import sys
from collections.abc import Callable
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
    output, error = (_Stream(FileIO(number, "w", closefd=False)) for number in (1, 2))
    error.may_raise = False  # the exit code tells
    sys.stdout = _open(output, sys.stdout)
    sys.stderr = _open(error, sys.stderr)


def keep_going_unread() -> None:
    """Let it be no reason to stop that standard output cannot be written any more."""
    buffer = getattr(sys.stdout, "buffer", None)
    if isinstance(buffer, _Stream):
        buffer.may_raise = False


class _Stream(BufferedWriter):
    """A stream that raises one error of writing at most; what is written then goes nowhere.

    Python would write what is left again whenever a process is started, and at the end, with an
    exit code of its own.
    """

    may_raise = True

    def write(self, content: Any, /) -> int:
        """Write content; return how much of it there was."""
        return int(self._attempt(super().write, content))

    def flush(self) -> None:
        """Write what is left."""
        self._attempt(super().flush)

    def _attempt(self, work: Callable[..., Any], *content: Any) -> Any:
        try:
            return work(*content)
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            if self.may_raise:
                raise
            return work(*content)


def _open(stream: _Stream, before: TextIO | None) -> TextIOWrapper:
    encoding = "utf-8" if before is None else before.encoding
    is_log = stream.fileno() == 2 or stream.isatty()
    return TextIOWrapper(stream, encoding, "backslashreplace", line_buffering=is_log)
