"""The reports of a matrix, built at the same time, a process each: none harms another."""

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import IO, Literal

from reportgen.errors import ExitCode
from reportgen.interruption import delayed_signals
from reportgen.workers.failures import killed_by
from reportgen.workers.pool import SIGNALS_HEEDED, default_workers

GRACE_SECONDS = 30.0  # for a build to remove what it has not finished, when all are ended
LEFT_SECONDS = 2.0  # for output that is on its way; who was left behind may hold the pipe open
REPORTGEN = (sys.executable, "-m", "reportgen")
_BUG = 70
_WORDS = {  # the worst first
    _BUG: "Bug",
    ExitCode.SOURCE: "Source",
    ExitCode.SECTION: "Error",
    ExitCode.CONFIG: "Configuration",
    ExitCode.CHECK_FAILED: "Failed",
    ExitCode.DELIVERY: "Delivery",
    ExitCode.OK: "OK",
}
_WORST_FIRST = tuple(_WORDS)

Stream = Literal["out", "err"]
Say = Callable[[Stream, str], None]


@dataclass(frozen=True)
class Job:
    """What builds one report. arguments: of the command line, but for ``--workers``."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class BuildOutcome:
    """How a build ended. word: for its exit code. said: its verdict, or what went wrong."""

    name: str
    code: int
    word: str
    said: str


def build_all(
    jobs: Sequence[Job],
    workers: int,
    say: Say,
    ended: Callable[[BuildOutcome], None],
    *,
    command: Sequence[str] = REPORTGEN,
    grace: float = GRACE_SECONDS,
) -> list[BuildOutcome]:
    """Build some reports, each in a process of its own; return how each ended, in their order.

    workers: worker processes of all builds together. say: is called with each line that a build
    prints, its name before it. ended: is called when one has ended. command: before the arguments
    of a job. grace: seconds for a build to clean up.
    A signal that asks to end, or an error, ends all builds first; nothing half-built is left.
    """
    waiting, shares = deque(jobs), deque(shares_of(workers, len(jobs), default_workers()))
    outcomes: dict[str, BuildOutcome] = {}
    running: dict[str, _Build] = {}
    # A queue that a signal handler may put something in, whatever the main thread is doing.
    events: SimpleQueue[str | int] = SimpleQueue()
    lock = Lock()

    def say_line(stream: Stream, text: str) -> None:
        with lock, suppress(OSError, ValueError):  # a log that nobody reads any more
            say(stream, text)

    with delayed_signals(events.put):
        try:
            while waiting or running:
                while waiting and shares:
                    job = waiting.popleft()
                    running[job.name] = _Build(job, command, shares.popleft(), say_line, events)
                try:  # without a limit a signal that comes just before would not be heeded
                    event = events.get(timeout=SIGNALS_HEEDED)
                except Empty:
                    continue
                if isinstance(event, int):
                    break
                build = running.pop(event)
                shares.append(build.share)
                outcomes[event] = build.outcome()
                ended(outcomes[event])
        finally:
            for build in running.values():
                build.process.terminate()
            deadline = monotonic() + grace
            for build in running.values():
                build.end(deadline)
    return [outcomes[job.name] for job in jobs if job.name in outcomes]


def shares_of(workers: int, jobs: int, cores: int) -> list[int]:
    """Divide workers among the builds that run at once; those are never more than cores."""
    at_once = max(1, min(workers, jobs, cores))
    return [workers // at_once + (i < workers % at_once) for i in range(at_once)]


def worst_code(codes: Iterable[int]) -> int:
    """Return the exit code of all: source, section, configuration, check, delivery, fine."""
    return min(codes, key=_WORST_FIRST.index, default=int(ExitCode.OK))


def outcome_table(outcomes: Sequence[BuildOutcome]) -> list[str]:
    """Return the lines of a table of how all ended."""
    rows = [("Report", "Result", "Exit", "")]
    rows += [(each.name, each.word, str(each.code), each.said) for each in outcomes]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return [
        f"{name:{widths[0]}}  {word:{widths[1]}}  {code:>{widths[2]}}  {said}".rstrip()
        for name, word, code, said in rows
    ]


class _Build:
    """A process that builds a report. share: how many workers it has."""

    def __init__(
        self,
        job: Job,
        command: Sequence[str],
        share: int,
        say: Say,
        events: SimpleQueue[str | int],
    ) -> None:
        self.name, self.share = job.name, share
        self._say = say
        self._first: dict[Stream, str] = {}
        # A session of its own: Ctrl-C must reach it once, from us, while it has time to clean up.
        self.process = subprocess.Popen(  # noqa: S603 - ourselves
            [*command, *job.arguments, "--workers", str(share)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONIOENCODING": "utf-8:backslashreplace"},
            start_new_session=True,
        )
        self._readers = [
            self._start(self._read, "out", self.process.stdout),
            self._start(self._read, "err", self.process.stderr),
        ]
        self._waiter = self._start(self._wait, events)

    def _start(self, work: Callable[..., None], *arguments: object) -> Thread:
        thread = Thread(target=work, args=arguments, name=f"build {self.name}", daemon=True)
        thread.start()
        return thread

    def _read(self, stream: Stream, pipe: IO[bytes]) -> None:
        with pipe:
            for raw in pipe:
                text = raw.decode("utf-8", "backslashreplace").rstrip("\r\n")
                if stream == "out" or text.startswith(("Error: ", "ERROR ")):
                    self._first.setdefault(stream, text)
                self._say(stream, f"{self.name} | {text}".rstrip())

    def _wait(self, events: SimpleQueue[str | int]) -> None:
        self.process.wait()
        deadline = monotonic() + LEFT_SECONDS
        for reader in self._readers:
            reader.join(max(0.0, deadline - monotonic()))
        events.put(self.name)

    def outcome(self) -> BuildOutcome:
        """Return how it ended."""
        code = self.process.returncode
        if code not in _WORST_FIRST:
            how = killed_by(-code) if code < 0 else f"ended with the unknown exit code {code}"
            return BuildOutcome(self.name, int(ExitCode.SECTION), "Died", f"The build {how}.")
        wrong = self._first.get("err", "").removeprefix("Error: ")
        return BuildOutcome(self.name, code, _WORDS[code], self._first.get("out") or wrong)

    def end(self, deadline: float) -> None:
        """Wait until it has ended; after the deadline it is killed with all it started."""
        try:
            self.process.wait(max(0.0, deadline - monotonic()))
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self._waiter.join()
