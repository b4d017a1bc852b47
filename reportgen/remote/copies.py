"""Files elsewhere as streams of bytes: what has been read of them is kept while it is needed."""

import io
import os
import tempfile
import threading
import weakref
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, cast

from reportgen.errors import SourceError
from reportgen.remote.address import RemoteFile
from reportgen.remote.server import Version, ask, look_at

BLOCK = 2**15
"""Bytes, of which parts are multiples."""
_STEP, _AHEAD = 2**12, 2**23  # bytes asked for at once: more and more where reads follow each other


class _Copy:
    """What has been read of a version of a file, in a temporary file without a name.

    Several read the same rows, one after the other; a server is asked for nothing twice.
    """

    def __init__(self, file: RemoteFile, version: Version) -> None:
        self.file, self.version = file, version
        self._there = bytearray(-(-version.bytes // BLOCK))
        self._lock = threading.Lock()
        self._descriptor, name = tempfile.mkstemp(prefix="reportgen-")
        weakref.finalize(self, os.close, self._descriptor)
        Path(name).unlink()

    def read(self, start: int, stop: int, ahead: int) -> bytes:
        """Return bytes start to stop. ahead: up to where they are asked for, if any must be."""
        with self._lock:
            blocks = range(start // BLOCK, -(-stop // BLOCK))
            if not all(self._there[blocks.start : blocks.stop]):
                blocks = range(blocks.start, -(-max(stop, ahead) // BLOCK))
            for is_there, run in groupby(blocks, lambda number: self._there[number]):
                if not is_there:
                    self._fetch([*run])
        return os.pread(self._descriptor, stop - start, start)

    def _fetch(self, blocks: list[int]) -> None:
        first, stop = blocks[0] * BLOCK, min((blocks[-1] + 1) * BLOCK, self.version.bytes)
        version, data = ask(self.file, first, stop - 1)
        if (version.bytes, version.tag) != (self.version.bytes, self.version.tag):
            raise SourceError("was changed while it was read", "build again")
        try:
            written = os.pwrite(self._descriptor, data, first)
        except OSError:
            written = 0
        if written < len(data):
            hint = f"make room in {tempfile.gettempdir()}, or set TMPDIR to another folder"
            raise SourceError("cannot be kept while it is read: the disk is full", hint)
        self._there[blocks[0] : blocks[-1] + 1] = b"\1" * len(blocks)


_copy_of = lru_cache(maxsize=64)(_Copy)


class _Parts(io.RawIOBase):
    """A file as a stream of bytes."""

    def __init__(self, copy: _Copy) -> None:
        self._copy, self._size = copy, copy.version.bytes
        self._at, self._end = 0, -1  # of the last part
        self._step = _STEP  # bytes to ask for: more and more where one part follows another

    def __repr__(self) -> str:
        return str(self._copy.file)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read bytes from here on into a buffer; returns how many. Raises SourceError."""
        stop = min(self._at + len(buffer), self._size)
        if stop <= self._at:
            return 0
        self._step = min(2 * self._step, _AHEAD) if self._at == self._end else _STEP
        ahead = min(self._at + self._step, self._size)
        data = self._copy.read(self._at, stop, ahead)
        buffer[: len(data)] = data
        self._at = self._end = self._at + len(data)
        return len(data)


def open_remote(file: RemoteFile) -> BinaryIO:
    """Open a file; SourceError when it cannot be read, then and whenever it is read."""
    return cast("BinaryIO", io.BufferedReader(_Parts(_copy_of(file, look_at(file))), BLOCK // 2))
