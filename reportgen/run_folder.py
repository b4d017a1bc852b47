"""Run folders: built hidden beside the others, renamed in one step, found through ``latest``."""

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reportgen.errors import PublishError
from reportgen.interruption import delayed_signals
from reportgen.lock import FILE as LOCK
from reportgen.lock import Say, lock_builds, say_nothing
from reportgen.record import own_file, read_regular

LATEST = "latest"
LINK = ".latest"  # in a run until it is called latest; stays if the build is killed just then
DELETING = ".deleting-"  # before the id of a run that is being deleted
RUN_ID = re.compile(r"(?P<started>\d{8}T\d{6}Z)(?:-(?P<number>[2-9]|[1-9]\d+))?")
LOCK_SECONDS = 3600.0  # how long a build waits for another of the same report
WRITERS = 16
_HIDDEN = ".building-"
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_FULL = {errno.ENOSPC, errno.EDQUOT}


def started_now() -> tuple[datetime, bool]:
    """Return the time of the run, UTC, and whether SOURCE_DATE_EPOCH fixed it.

    Raises PublishError for a SOURCE_DATE_EPOCH that is not a number of seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return datetime.now(UTC).replace(microsecond=0), False
    try:
        return datetime.fromtimestamp(int(epoch), UTC), True
    except (ValueError, OverflowError, OSError):
        raise PublishError(
            f"SOURCE_DATE_EPOCH is {epoch!r}, which is not a number of seconds", "unset it"
        ) from None


@contextmanager
def new_run(
    folder: Path,
    started: datetime | None = None,
    *,
    as_latest: bool = True,
    wait: float = LOCK_SECONDS,
    say: Say = say_nothing,
) -> Iterator["Unpublished"]:
    """Yield a hidden folder to build a run in; it is removed unless it was published.

    Until the end of the block no other run is built in the folder, so the block is also where old
    runs are deleted and the index is written. started: time of the run; when the block begins if
    not given. as_latest: whether ``latest`` will point at the run. wait: seconds to wait for
    another build to end. say: is called with what a build that waits has to say.
    Raises PublishError when another build does not end, when the folder cannot be written or the
    disk is full.
    """
    folder = folder.absolute()
    with ExitStack() as stack:
        check_output_folder(folder, as_latest=as_latest)
        with publishing_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(lock_builds(folder, wait=wait, say=say))
            started, fixed = started_now() if started is None else (started, False)
            _remove_abandoned(folder)
            run_id = _free_id(folder, f"{started:%Y%m%dT%H%M%SZ}")
        unpublished = Unpublished(folder, run_id, started, fixed, as_latest)
        try:
            with publishing_errors(folder):
                unpublished.path.mkdir()
            yield unpublished
        except BaseException as error:
            error.add_note(_remove(unpublished))  # said of a build that is interrupted
            raise
        finally:
            _remove(unpublished)


def check_output_folder(folder: Path, *, as_latest: bool = True) -> None:
    """Raise PublishError unless runs can be written to a folder, as far as can be said before.

    as_latest: whether ``latest`` will point at the next run.
    """
    folder = folder.absolute()
    with publishing_errors(folder):
        there = next(path for path in (folder, *folder.parents) if _is_there(path))
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
        if not os.access(there, os.W_OK | os.X_OK):
            read_only = os.statvfs(there).f_flag & os.ST_RDONLY
            why = errno.EROFS if read_only else errno.EACCES
            raise OSError(why, os.strerror(why), str(there))
        lock = folder / LOCK
        if lock.is_symlink() or lock.is_dir():
            why = errno.ELOOP if lock.is_symlink() else errno.EISDIR
            raise OSError(why, os.strerror(why), str(lock))
        link = folder / LATEST
        if as_latest and link.exists() and not link.is_symlink():
            raise PublishError(
                f"{link} is not a link, so it is left as it is", "move it away and build again"
            )


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


@dataclass(frozen=True)
class Unpublished:
    """A run that is being built.

    id: the name it will have in its folder. started: its time, UTC. fixed: whether
    SOURCE_DATE_EPOCH gave that time. as_latest: whether ``latest`` will point at it.
    """

    folder: Path
    id: str
    started: datetime
    fixed: bool
    as_latest: bool

    @property
    def path(self) -> Path:
        """The hidden folder in which it is built."""
        return self.folder / f"{_HIDDEN}{self.id}"

    def publish(self) -> Path:
        """Rename the run in one step, and point ``latest`` at it."""
        target = self.folder / self.id
        with publishing_errors(self.folder):
            _to_disk(self.path)
            with delayed_signals():  # it is published as a whole or not at all
                if self.as_latest:
                    (self.path / LINK).symlink_to(self.id, target_is_directory=True)
                self.path.rename(target)
                if self.as_latest:
                    (target / LINK).replace(self.folder / LATEST)
        return target


def _free_id(folder: Path, wanted: str) -> str:
    """Return the id of a run.

    Runs of one second (or of one SOURCE_DATE_EPOCH) get a number; none is replaced.
    """
    name, number = wanted, 1
    while os.path.lexists(folder / name):
        number += 1
        name = f"{wanted}-{number}"
    return name


def _remove(run: Unpublished) -> str:
    """Remove a run unless it was published; return what there is."""
    if (run.folder / run.id).exists():
        return f"the report is there: {run.folder / run.id}"
    shutil.rmtree(run.path, ignore_errors=True)
    if run.path.exists():
        return f"the run that was not finished could not be removed: {run.path}"
    return "the run that was not finished has been removed"


def _to_disk(folder: Path) -> None:
    """Make the disk say now that it is full, not after the run was announced."""

    def write_out(path: Path) -> None:
        with path.open("rb") as file:
            os.fsync(file.fileno())

    with ThreadPoolExecutor(WRITERS) as writers:  # the disk writes several together
        list(writers.map(write_out, filter(Path.is_file, folder.rglob("*"))))


def _remove_abandoned(folder: Path) -> None:
    """Remove what killed builds left behind; no other build runs."""
    for path in folder.glob(f"{_HIDDEN}*"):
        shutil.rmtree(path, ignore_errors=True)
    finish_deletions(folder)


def finish_deletions(folder: Path) -> None:
    """Remove what is left of runs whose deletion was cut short."""
    for path in folder.glob(f"{DELETING}*"):
        named = RUN_ID.fullmatch(path.name.removeprefix(DELETING))
        if named and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in one step, unless it has that content."""
    with suppress(OSError):
        if read_regular(path) == content:
            return
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)  # it may be a link of somebody else
    try:
        with unfinished.open("xb") as file:
            file.write(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_or_link(run: Path, name: str, content: bytes) -> None:
    """Write a file of a run that is being built, where the latest run has another content.

    One that has not changed is a hard link to that of the latest run, so that a night costs what
    changed; a copy on a disk that has none. Such files cannot be written to, as a change of one
    would be one of all nights.
    """
    path, latest = run / name, run.parent / LATEST
    with suppress(OSError):
        before = own_file(latest, name)
        found = before.stat()
        is_closed = not found.st_mode & _WRITABLE and found.st_uid == os.geteuid()
        if is_closed and found.st_size == len(content) and before.read_bytes() == content:
            path.hardlink_to(before)
            return
    path.write_bytes(content)
    path.chmod(path.stat().st_mode & ~_WRITABLE)


@contextmanager
def publishing_errors(
    folder: Path, left: str = "nothing was published and the former report stands"
) -> Iterator[None]:
    """Turn what the file system refuses while a report is written into a PublishError.

    left: what a reader still has when the disk is full.
    """
    folder = folder.parent if folder.name.startswith(_HIDDEN) else folder
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise PublishError(
                f"{folder}: the disk is full; {left}",
                "free some space, or set output.folder to another disk",
            ) from error
        raise PublishError(
            f"{error.filename or folder}: cannot be written: {error.strerror or error}",
            "set output.folder (or --output) to a folder that you may write",
        ) from error
