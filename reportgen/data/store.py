"""Entries by key on disk, safe under concurrent use, each with its checksum, bounded in size.

Whatever the disk refuses costs time, never a report. The content of an entry is believed, so that
one which another user owns or could have written to is none.
"""

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from reportgen.record import open_at_once

FOLDER = ".cache"
"""Name of the folder of a cache in an output folder."""
MOST_BYTES = 10**9
SPARE_BYTES = 100 * 10**6
"""Bytes that are left free on the disk: a report needs them more."""

_MARK = b"reportgen-entry/1\n"  # of this format; what begins otherwise is damaged
_HEAD = len(_MARK) + hashlib.sha256().digest_size
_UNFINISHED = ".unfinished-"
_UNFINISHED_SECONDS = 3600.0  # what is written for longer was left by a process that was killed


@dataclass(frozen=True)
class Store:
    """Entries by key in a folder. A key is a hexadecimal digest.

    folder: made when something is put. most_bytes: what ``trim`` leaves at most. read_only: leave
    everything as it is. It holds no open file, so that it can be sent to other processes.
    """

    folder: Path
    most_bytes: int = MOST_BYTES
    read_only: bool = False

    def get(self, key: str) -> bytes | None:
        """Return the content of an entry; None if there is none or it is damaged (then removed).

        The entry counts as used now.
        """
        path = self._path(key)
        with suppress(OSError):
            entry = _own_content(path)
            content = entry[_HEAD:]
            if entry[:_HEAD] == _head(key, content):
                with suppress(OSError):  # of a disk that can only be read
                    if not self.read_only:
                        os.utime(path)
                return content
            if not self.read_only:
                path.unlink()
        return None

    def put(self, key: str, content: bytes) -> None:
        """Write an entry, whole or not at all; a disk that refuses it is no error."""
        if self.read_only or self._is_of_another() or _HEAD + len(content) > self.most_bytes:
            return
        path = self._path(key)
        unfinished = path.with_name(f"{_UNFINISHED}{uuid4().hex}")
        with suppress(OSError):
            if _free_bytes(self.folder) < SPARE_BYTES + len(content):
                return
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                with os.fdopen(os.open(unfinished, flags, 0o600), "wb") as file:
                    file.write(_head(key, content))
                    file.write(content)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)

    def trim(self) -> None:
        """Remove the entries that were not used for longest, until the others fit."""
        if self._is_of_another():
            return
        total = 0
        with suppress(OSError):
            for _, size, path in sorted(self._entries(), reverse=True):
                total += size
                if total > self.most_bytes:
                    path.unlink(missing_ok=True)  # another trim may have been first

    def _is_of_another(self) -> bool:
        """Whether another user has made the folder, or a link that leads who knows where."""
        with suppress(OSError):
            return self.folder.lstat().st_uid != os.geteuid()
        return False

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:]

    def _entries(self) -> Iterator[tuple[int, int, Path]]:
        """Yield when each entry was used, its bytes and path; remove what was never finished."""
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            with suppress(OSError):
                found = path.lstat()
                if not path.name.startswith(_UNFINISHED):
                    yield found.st_mtime_ns, found.st_size, path
                elif time.time() - found.st_mtime > _UNFINISHED_SECONDS:
                    path.unlink()


def _own_content(path: Path) -> bytes:
    """Return the content of a file; PermissionError when another user may have written it."""
    with open(path, "rb", opener=open_at_once) as file:
        status = os.fstat(file.fileno())
        is_ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
        if not is_ours or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(0, "another user may have written it")
        return file.read()


def _head(key: str, content: bytes) -> bytes:
    """Return what stands before an entry: a checksum with its key, as it is good under no other."""
    digest = hashlib.sha256(key.encode())
    digest.update(content)
    return _MARK + digest.digest()


def _free_bytes(folder: Path) -> int:
    """Return how many bytes are free where a folder is, or will be."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    disk = os.statvfs(there)
    return disk.f_bavail * disk.f_frsize
