"""Warnings of libraries that read files: none reaches the terminal."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()


@contextmanager
def no_warnings() -> Iterator[None]:
    """Ignore all warnings; one thread at a time, as the filters are those of the process."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
