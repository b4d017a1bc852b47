"""One build of a report at a time: a lock on its output folder that says who holds it.

The kernel holds the lock (flock) and lets go when the process ends, however it ends, so what a
killed build left is known at once. Where that cannot be relied on the file itself must tell: on a
file system without locks, and when another machine wrote it, for some network file systems give
every machine its own locks. Then a build counts as running while its process is there or while it
touches the file, which it does every few seconds.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

from reportgen.errors import PublishError

FILE = ".build.lock"
BEAT_SECONDS = 10.0  # a build touches its lock that often
SILENT_SECONDS = 60.0  # one that has not for so long has died, on this machine or another
POLL_SECONDS = 0.2
SETTLE_SECONDS = 0.5  # for two that take over one lock at a time, where there are no locks

Told = Callable[[str], None]


@dataclass(frozen=True)
class Holder:
    """Who holds a lock. kernel: tells machines apart, and one machine before and after a boot."""

    pid: int
    host: str
    kernel: str
    since: str
    token: str

    def __str__(self) -> str:
        since = datetime.fromisoformat(self.since)
        return f"process {self.pid} on {self.host}, since {since:%Y-%m-%d %H:%M:%S} UTC"


class BuildLock:
    """A lock that is held until it is released."""

    def __init__(self, path: Path, lock: int, me: Holder) -> None:
        self._path, self._lock, self._me = path, lock, me
        self._released = Event()
        self._beating = Thread(target=self._beat, name="build lock", daemon=True)
        self._beating.start()

    def _beat(self) -> None:
        while not self._released.wait(BEAT_SECONDS):
            with suppress(OSError):
                os.utime(self._lock)

    def release(self) -> None:
        """Let the next build begin."""
        self._released.set()
        self._beating.join()
        with suppress(OSError):
            if _holder(self._path) == self._me:
                self._path.unlink()
        os.close(self._lock)


def lock_builds(folder: Path, *, wait: float, told: Told) -> BuildLock:
    """Wait until no other build of a report runs, and keep others from starting.

    wait: seconds to wait at most; 0 to try once. told: is called with who holds the lock, once
    for each that is waited for, and with what is taken over from a build that has died.
    Raises PublishError that says who holds the lock, and OSError for what the disk refuses.
    """
    me = Holder(
        os.getpid(), socket.gethostname(), _kernel(), f"{datetime.now(UTC):%FT%TZ}", uuid4().hex
    )
    attempt = _Attempt(folder / FILE, me, told)
    end = time.monotonic() + wait
    announced = ""
    while (lock := attempt.succeeded()) is None:
        who = _who(attempt.path)
        if time.monotonic() >= end:
            waited = f"; waited {_span(wait)} for it" if wait else ""
            raise PublishError(
                f"{folder}: another build of this report is running: {who}{waited}",
                "build again when it has ended; its lock goes with it, even if it is killed",
            )
        if who != announced:
            told(f"Another build of this report is running: {who}. Waiting, {_span(wait)} at most.")
            announced = who
        time.sleep(POLL_SECONDS)
    return BuildLock(attempt.path, lock, me)


class _Attempt:
    """Tries to get a lock again and again; remembers when its holder was last seen alive."""

    def __init__(self, path: Path, me: Holder, told: Told) -> None:
        self.path, self._me, self._told = path, me, told
        self._seen: tuple[object, float] = (None, 0.0)

    def succeeded(self) -> int | None:
        """Give the open lock file when the lock is ours now."""
        while True:
            lock, made = _open(self.path)
            ours: bool | None = False
            try:
                ours = self._is_ours(lock, made)
            finally:
                if not ours:
                    os.close(lock)
            if ours is not None:
                return lock if ours else None

    def _is_ours(self, lock: int, made: bool) -> bool | None:
        """Say whether the lock is ours now; None when its file was removed, so to try again."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return self._is_ours_without_locks(lock, made)
        if not _is_at(lock, self.path):
            return None
        holder = _holder(self.path)
        if holder is not None and self._is_elsewhere(holder) and not self._has_died(holder):
            return False
        os.ftruncate(lock, 0)
        os.pwrite(lock, _text(self._me), 0)
        return True

    def _is_ours_without_locks(self, lock: int, made: bool) -> bool | None:
        if made:  # only one can make it
            os.pwrite(lock, _text(self._me), 0)
            time.sleep(SETTLE_SECONDS)
            return _holder(self.path) == self._me
        if not self._has_died(_holder(self.path)):
            return False
        self.path.unlink(missing_ok=True)
        return None

    def _is_elsewhere(self, holder: Holder) -> bool:
        return holder.host != self._me.host and holder.kernel != self._me.kernel

    def _has_died(self, holder: Holder | None) -> bool:
        """Say whether the holder has ended, as far as processes here and its file tell."""
        here = holder and (holder.host, holder.kernel) == (self._me.host, self._me.kernel)
        if holder and here and not Path(f"/proc/{holder.pid}").exists():
            self._told(f"Taking over the lock of a build that has ended: {holder}.")
            return True
        with suppress(FileNotFoundError):
            beat = (holder, self.path.stat().st_mtime_ns)
            if beat != self._seen[0]:  # clocks differ between machines: only ours counts
                self._seen = (beat, time.monotonic())
        if time.monotonic() - self._seen[1] < SILENT_SECONDS:
            return False
        silent = _span(SILENT_SECONDS)
        self._told(f"Taking over the lock of a build that has been silent for {silent}: {holder}.")
        return True


def _open(path: Path) -> tuple[int, bool]:
    """Open a lock file; give it and whether it was made."""
    while True:
        with suppress(FileExistsError):
            return os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666), True
        with suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR), False


def _is_at(lock: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


def _kernel() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return socket.gethostname()


def _text(holder: Holder) -> bytes:
    return (json.dumps(vars(holder)) + "\n").encode()


def _holder(path: Path) -> Holder | None:
    try:
        holder = Holder(**json.loads(path.read_bytes()))
        str(holder)
    except (OSError, ValueError, TypeError):
        return None  # it is just being written, or its writer was killed just then
    return holder


def _who(path: Path) -> str:
    holder = _holder(path)
    return "one that has just begun" if holder is None else str(holder)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
