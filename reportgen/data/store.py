"""Entries by key on disk, safe under concurrent use, each with its checksum, bounded in size.

Whatever the disk refuses costs time, never a report. A folder that another user could have written
to is not used, for the content of an entry is believed.
"""

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

FOLDER = ".cache"
"""Name of the folder of a cache in an output folder."""
MOST_BYTES = 10**9
SPARE_BYTES = 100 * 10**6
"""Bytes that are left free on the disk: a report needs them more."""

_KEY = re.compile(r"[0-9a-f]{16,128}")
_MARK = b"reportgen-entry/1\n"  # of this format; what begins otherwise is damaged
_HEAD = len(_MARK) + hashlib.sha256().digest_size
_UNFINISHED = ".unfinished-"
_UNFINISHED_SECONDS = 3600.0  # what is written for longer was left by a process that was killed


@dataclass(frozen=True)
class _Entry:
    path: Path
    bytes: int
    used: int


@dataclass(frozen=True)
class Store:
    """Entries by key in a folder.

    folder: made when something is put. most_bytes: what ``trim`` leaves at most. read_only: leave
    everything as it is. It holds no open file, so that it can be sent to other processes.
    """

    folder: Path
    most_bytes: int = MOST_BYTES
    read_only: bool = False

    def get(self, key: str) -> bytes | None:
        """Return the content of an entry; None if there is none or it is damaged (then removed).

        key: a hexadecimal digest. The entry counts as used now.
        """
        name = _name(key)
        with suppress(OSError), self._opened() as folder:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
            try:
                content = _checked(key, _whole(file))
                if content is not None:
                    with suppress(OSError):  # of a disk that can only be read
                        if not self.read_only:
                            os.utime(file)
                    return content
            finally:
                os.close(file)
            if not self.read_only:
                os.unlink(name, dir_fd=folder)
        return None

    def put(self, key: str, content: bytes) -> None:
        """Write an entry, whole or not at all; a disk that refuses it is no error."""
        name = _name(key)
        if self.read_only or _HEAD + len(content) > self.most_bytes:
            return
        with suppress(OSError):
            if _free_bytes(self.folder) < SPARE_BYTES + len(content):
                return
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._opened() as folder:
                with suppress(FileExistsError):
                    os.mkdir(name.partition("/")[0], 0o700, dir_fd=folder)
                _write(folder, name, _MARK + _digest(key, content) + content)

    def trim(self) -> None:
        """Remove the entries that were not used for longest, until the others fit."""
        with suppress(OSError), self._opened():
            entries = sorted(self._entries(), key=lambda entry: entry.used, reverse=True)
            total = 0
            for entry in entries:
                total += entry.bytes
                if total > self.most_bytes:
                    with suppress(OSError):  # another trim was first
                        entry.path.unlink()

    def _entries(self) -> Iterator[_Entry]:
        """List all entries; remove what killed processes left half-written."""
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            with suppress(OSError):
                found = path.lstat()
                if not path.name.startswith(_UNFINISHED):
                    yield _Entry(path, found.st_size, found.st_mtime_ns)
                elif time.time() - found.st_mtime > _UNFINISHED_SECONDS:
                    path.unlink()

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the folder; PermissionError when another user may have written what is in it.

        What follows is relative to the open folder: its name may be given to another meanwhile.
        """
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            found = os.fstat(folder)
            if found.st_uid != os.geteuid():
                raise PermissionError(0, "it belongs to another user")
            if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise PermissionError(0, "other users may write to it")
            yield folder
        finally:
            os.close(folder)


def _free_bytes(folder: Path) -> int:
    """Return how many bytes are free where a folder is, or will be."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    disk = os.statvfs(there)
    return disk.f_bavail * disk.f_frsize


def _name(key: str) -> str:
    """Return the path of an entry; ValueError for a key that is no digest."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not a hexadecimal digest")
    return f"{key[:2]}/{key[2:]}"


def _whole(file: int) -> bytes:
    with os.fdopen(file, "rb", closefd=False) as opened:
        return opened.read()


def _write(folder: int, name: str, content: bytes) -> None:
    """Write a file in a folder under another name, then give it its own in one step."""
    unfinished = f"{name.partition('/')[0]}/{_UNFINISHED}{uuid4().hex}"
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(content)
        os.rename(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(unfinished, dir_fd=folder)
        raise


def _digest(key: str, content: bytes) -> bytes:
    """Return the checksum of an entry; with its key, so that it is good under no other."""
    digest = hashlib.sha256(key.encode())
    digest.update(content)
    return digest.digest()


def _checked(key: str, entry: bytes) -> bytes | None:
    """Return the content of an entry; None when it is damaged."""
    content = entry[_HEAD:]
    good = entry.startswith(_MARK) and entry[len(_MARK) : _HEAD] == _digest(key, content)
    return content if good else None
