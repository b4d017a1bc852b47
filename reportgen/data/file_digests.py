"""File digests: what is known of files, remembered for as long as their stamps stay the same."""

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.data.dataset import ColumnPlace
from reportgen.data.joined import is_several, members
from reportgen.data.regular_file import require_regular
from reportgen.data.store import Store
from reportgen.errors import SourceError
from reportgen.remote.address import RemoteFile
from reportgen.remote.server import look_at
from reportgen.versions import package_digest

SYNTHETIC = "synthetic"
"""Name of what a file says of being synthetic, among what is known of it."""
DIGEST = "sha256"
"""Name of the digest of the whole file."""
# A file that was written so shortly ago could be written again within the clock's resolution.
SETTLED_SECONDS = 2.0


@dataclass(frozen=True)
class Stamp:
    """What tells that a file is still the same without reading it."""

    path: str
    bytes: int
    modified: int
    changed: int
    inode: int
    device: int

    @property
    def key(self) -> str:
        """Key of the entry with what is known of the file."""
        return digest_of(["file", package_digest(), asdict(self)])


def stamp(path: Path) -> Stamp | None:
    """Return the stamp of a file, or of all in a folder, of a list or of a pattern.

    None when it is not there.
    """
    try:
        if isinstance(path, RemoteFile):
            return _stamp_of_remote(path)
        if is_several(path):
            return _stamp_of_all(path, members(path))
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            return _stamp_of_all(path, _regular_below(path))
    except (OSError, ValueError):  # ValueError for a name that no file can have
        return None
    times = found.st_mtime_ns, found.st_ctime_ns
    return Stamp(os.fspath(path), found.st_size, *times, found.st_ino, found.st_dev)


def _stamp_of_remote(file: RemoteFile) -> Stamp | None:
    """Return the stamp of a file elsewhere, as its server says what version it is of.

    What nobody can say to be the same counts as changed in the far future, so that nothing is
    remembered of it.
    """
    try:
        found = look_at(file)
    except SourceError:
        return None
    modified = round(found.modified * 1e9)
    changed = 0 if found.is_strong else modified or 2**62
    tag = int(digest_of(found.tag)[:12], 16)
    return Stamp(file.identity, found.bytes, modified, changed, tag, device=0)


def _stamp_of_all(path: Path, files: Sequence[Path]) -> Stamp | None:
    inside = [found for each in files if (found := stamp(each)) is not None]
    if len(inside) < len(files):
        return None
    every = digest_of([vars(each) for each in inside])
    return Stamp(
        os.fspath(path),
        sum(each.bytes for each in inside),
        max((each.modified for each in inside), default=0),
        max((each.changed for each in inside), default=0),
        int(every[:12], 16),
        device=0,
    )


def files_below(
    folder: Path, hidden: str = ".", on_error: Callable[[OSError], object] | None = None
) -> Iterator[Path]:
    """Give the files in a folder and in those in it, links followed, a folder at a time.

    hidden: first letters of names that are left out. on_error: called for a folder that cannot be
    read, which is passed over without it.
    """
    seen = set()
    for place, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if name[0] not in hidden)
        yield from (Path(place, name) for name in sorted(files) if name[0] not in hidden)


def _regular_below(folder: Path) -> list[Path]:
    return [path for path in files_below(folder) if path.is_file()]


@dataclass
class FileDigests:
    """What is known of files, by name: digests of columns and images, lengths of datasets.

    store: where it is remembered; None to know nothing. settled: seconds after which a file is not
    written again within the resolution of its times.
    """

    store: Store | None = None
    settled: float = SETTLED_SECONDS
    _known: dict[Stamp, dict[str, Any]] = field(default_factory=dict, repr=False)

    def of(self, path: Path) -> Mapping[str, Any]:
        """Return what is known of a file as it is now."""
        found = stamp(path)
        if found is None or self.store is None:
            return {}
        if found not in self._known:
            self._known[found] = _read(self.store, found)
        return self._known[found]

    def remember(self, path: Path, before: Stamp | None, learnt: Mapping[str, Any]) -> None:
        """Remember what was found in a file. before: its stamp, taken before it was read.

        Nothing is remembered of a file that was written meanwhile, or just before.
        """
        if before is None or self.store is None or stamp(path) != before:
            return
        if before.changed * 1e-9 > time.time() - self.settled:
            return
        known = _read(self.store, before) | dict(learnt)
        self._known[before] = known
        self.store.put(before.key, json.dumps(known, sort_keys=True).encode())


def _read(store: Store, stamp: Stamp) -> dict[str, Any]:
    return dict(json.loads(store.get(stamp.key) or "{}"))


def digest_of(thing: Any) -> str:
    """Return the digest of what JSON can write."""
    return hashlib.sha256(json.dumps(thing, sort_keys=True).encode()).hexdigest()


def column_name(place: ColumnPlace) -> str:
    """Return the name of a column's digest among what is known of its file."""
    marks = [repr(mark) for mark in place.missing]
    where = [place.dataset, place.index, place.field, place.mask]
    return "column " + json.dumps([*where, marks])


def image_digest(batches: Iterable[NDArray[np.float32]]) -> str:
    """Return the digest of images, read in batches."""
    running = hashlib.sha256()
    for images in batches:
        running.update(repr(images.shape[1:]).encode())
        running.update(images.ravel().data)
    return running.hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and digests of all files in a folder.

    Raises OSError when one cannot be read, SourceError for a pipe or device.
    """
    if isinstance(path, RemoteFile):  # of which not all may be read for that
        found = look_at(path)
        return digest_of([found.bytes, found.tag])
    several = is_several(path)
    if several or path.is_dir():
        files = members(path) if several else _regular_below(path)
        base = files[0].parent if several and files else path
        return digest_of([[os.path.relpath(each, base), file_digest(each)] for each in files])
    require_regular(path, f"{path}", "a file", "*")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
