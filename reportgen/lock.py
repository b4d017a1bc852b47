"""One build of a report at a time: a lock on its output folder that says who holds it.

The kernel holds the lock and lets go when the process ends, however it ends. On a file system
without locks filelock takes the file itself for one, as long as its process runs.
"""

import os
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from reportgen.errors import PublishError
from reportgen.record import read_regular
from reportgen.wording import printable

FILE = ".build.lock"
POLL_SECONDS = 0.2
_NOBODY_YET = "one that has just begun"
_MODE = 0o664  # in the folder of a group each member can take over what a killed build left

Say = Callable[[str], None]


def say_nothing(_: str) -> None:
    """Leave unsaid what a build that waits has to say."""


@contextmanager
def lock_builds(folder: Path, *, wait: float, say: Say, file: str = FILE) -> Iterator[None]:
    """Wait until no other build of a report runs, and keep others from starting in the block.

    wait: seconds to wait at most; 0 to try once. say: is called with who holds the lock, if that
    is waited for.
    Raises PublishError that says who holds the lock, and OSError for what the disk refuses, such
    as a link in place of the file.
    """
    path = folder / file
    lock = FileLock(path, mode=_MODE, poll_interval=POLL_SECONDS)
    warnings.filterwarnings("ignore", "flock not supported", UserWarning)  # it works all the same
    holder = ""
    try:
        _acquire(lock, path, wait, say)
        if not isinstance(lock, SoftFileLock):  # which has a record of its own in the file
            now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
            holder = f"process {os.getpid()} on {socket.gethostname()}, since {now}"
            _write_holder(path, holder)
        yield
    finally:
        # Who had waited sees that the file is gone, and makes it anew.
        if lock.is_locked and _holder(path) in {holder, _NOBODY_YET}:
            path.unlink(missing_ok=True)
        lock.release()


def _acquire(lock: BaseFileLock, path: Path, wait: float, say: Say) -> None:
    with suppress(Timeout):
        lock.acquire(timeout=0)
        return
    if wait:
        who = f"Another build of this report is running: {_holder(path)}"
        say(f"{who}. Waiting, {_span(wait)} at most.")
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        waited = f"; waited {_span(wait)} for it" if wait else ""
        raise PublishError(
            f"{path.parent}: another build of this report is running: {_holder(path)}{waited}",
            "build again when it has ended; its lock goes with it, even if it is killed",
        ) from None


def _write_holder(path: Path, holder: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(holder)


def _holder(path: Path) -> str:
    try:
        text = read_regular(path).decode(errors="replace")[:200]
    except OSError:
        text = ""
    return printable(" ".join(text.split())) or _NOBODY_YET


def _span(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
