"""What libraries that read files warn of, which nobody sees, and what their errors say."""

import re
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


def reason(error: Exception) -> str:
    """Return why a file cannot be read, in one line, for an error of a library that parses it."""
    said = next(iter(str(error).strip().splitlines()), "")
    if not said or isinstance(error, LookupError | TypeError | AttributeError | NameError):
        return "what it says of itself makes no sense"  # these speak of the code of the library
    return re.sub(r"^\S*:[\d?]+:[\d?]+: ", "", said)[:300]  # without the place in a stream
