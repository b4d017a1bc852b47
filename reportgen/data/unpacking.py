"""Files that may be packed by gzip, bzip2 or xz, and what goes wrong where libraries read them."""

import bz2
import gzip
import lzma
import re
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from reportgen.errors import SourceError
from reportgen.remote.address import RemoteFile

AGAIN = "copy or download it again"
DAMAGED = f"the file is damaged; {AGAIN}"
_LOCK = threading.RLock()
_MAGIC: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}


def is_packed(start: bytes) -> bool:
    """Return whether a file that begins like this is packed."""
    return start.startswith(tuple(_MAGIC))


def open_unpacked(path: Path) -> BinaryIO:
    """Open a file, packed or not; seeking back in a packed one unpacks it from its beginning."""
    with path.open("rb") as file:
        start = file.read(6)
    for magic, opened in _MAGIC.items():
        if start.startswith(magic):
            source = path.open("rb") if isinstance(path, RemoteFile) else path
            return cast("BinaryIO", opened(source, "rb"))
    return path.open("rb")


def unpacked_start(path: Path, start: bytes) -> bytes:
    """Return the first bytes of what is in a file; none of a packed one that is damaged.

    start: the first bytes of the file.
    """
    if not is_packed(start):
        return start
    try:
        with reading_file(), open_unpacked(path) as file:
            return file.read(4096)
    except SourceError:
        return b""


@contextmanager
def reading_file() -> Iterator[None]:
    """Turn what goes wrong while a file is read or unpacked into a SourceError."""
    try:
        yield
    except EOFError:
        raise SourceError("is truncated: what is packed in it has no end", AGAIN) from None
    except (zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise SourceError(f"cannot be unpacked: {error}", DAMAGED) from None
    except OSError as error:
        # bzip2 says that data make no sense by an OSError without a number.
        why, hint = (error.strerror, "check the path") if error.errno else (error, DAMAGED)
        raise SourceError(f"cannot be read: {why}", hint) from None


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
