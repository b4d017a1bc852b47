"""Run folders: built hidden beside the others, renamed in one step, found through ``latest``."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from reportgen.errors import PublishError

LATEST = "latest"
_HIDDEN = ".building-"
_PID = ".pid"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def started_now() -> tuple[datetime, bool]:
    """Give the time of the run, UTC, and whether SOURCE_DATE_EPOCH fixed it.

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
def new_run(folder: Path, started: datetime) -> Iterator["Unpublished"]:
    """Give a hidden folder to build a run in; it is removed unless it was published.

    Raises PublishError when the folder cannot be written or the disk is full.
    """
    with publishing_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
        run_id = _reserve(folder, f"{started:%Y%m%dT%H%M%SZ}")
    unpublished = Unpublished(folder, run_id)
    try:
        with publishing_errors(folder):
            yield unpublished
    finally:
        shutil.rmtree(unpublished.path, ignore_errors=True)


class Unpublished:
    """A run that is being built. path: its hidden folder; id: the name it will have."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self.folder = folder
        self.id = run_id
        self.path = folder / f"{_HIDDEN}{run_id}"

    def publish(self, *, as_latest: bool = True) -> Path:
        """Give the run its name in one step, and point ``latest`` at it."""
        with publishing_errors(self.folder):
            (self.path / _PID).unlink(missing_ok=True)
            _to_disk(self.path)
            target = self.folder / self.id
            self.path.rename(target)
            if as_latest:
                _switch_latest(self.folder, self.id)
        return target


def _reserve(folder: Path, wanted: str) -> str:
    """Make the hidden folder of a run and give its id.

    Runs of one second (or of one SOURCE_DATE_EPOCH) get a number; none is replaced.
    """
    name, number = wanted, 1
    while True:
        try:
            if not (folder / name).exists():
                (folder / f"{_HIDDEN}{name}").mkdir()
                (folder / f"{_HIDDEN}{name}" / _PID).write_text(f"{os.getpid()}\n")
                return name
        except FileExistsError:
            pass  # another build has just taken it
        number += 1
        name = f"{wanted}-{number}"


def _switch_latest(folder: Path, name: str) -> None:
    link = folder / LATEST
    if link.exists() and not link.is_symlink():
        raise PublishError(
            f"{link} is not a link, so it is left as it is", "move it away and build again"
        )
    unfinished = folder / f".{LATEST}-{os.getpid()}"
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(name, target_is_directory=True)
    unfinished.replace(link)


def _to_disk(folder: Path) -> None:
    """Make the disk say now that it is full, not after the run was announced."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _remove_abandoned(folder: Path) -> None:
    """Remove what killed builds left behind; builds that still run keep theirs."""
    for path in folder.glob(f"{_HIDDEN}*"):
        try:
            pid = int((path / _PID).read_text())
        except (OSError, ValueError):
            continue  # another build is just making it, or it is not ours
        if not _alive(pid):
            shutil.rmtree(path, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def publishing_errors(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into a PublishError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise PublishError(
                f"{folder}: the disk is full; nothing was published and the former report stands",
                "free some space, or set output.folder to another disk",
            ) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}:
            raise PublishError(
                f"{error.filename or folder}: cannot be written: {error.strerror}",
                "set output.folder (or --output) to a folder that you may write",
            ) from error
        raise
