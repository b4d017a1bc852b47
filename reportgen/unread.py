"""Standard output and error, where nobody reads them any more."""

import os
import sys
from contextlib import suppress


def say(text: str, *, error: bool = False) -> None:
    """Write a line to standard output or error; that nobody reads it is no reason to stop."""
    stream = sys.stderr if error else sys.stdout
    try:
        if stream is not None:
            print(text, file=stream, flush=True)
    except (OSError, ValueError):
        drop_unread()


def drop_unread() -> None:
    """Send to nowhere what a standard stream still holds and cannot be rid of.

    Python would try again whenever a process is started, which fails then, and when the program
    ends, with an exit code of its own.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is None:  # closed before the program was started
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
                stream.flush()
