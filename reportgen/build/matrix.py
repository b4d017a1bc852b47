"""The reports of a matrix, built at the same time, a process each: none harms another."""

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread, current_thread, main_thread
from time import monotonic
from typing import IO, Literal

from reportgen.errors import ExitCode

GRACE_SECONDS = 30.0  # for a build to remove what it has not finished, when all are ended
_BUG = 70
_WORST_FIRST = (
    _BUG,
    ExitCode.SOURCE,
    ExitCode.SECTION,
    ExitCode.CONFIG,
    ExitCode.CHECK_FAILED,
    ExitCode.DELIVERY,
    ExitCode.OK,
)
_WORDS = {
    _BUG: "Bug",
    ExitCode.SOURCE: "Source",
    ExitCode.SECTION: "Error",
    ExitCode.CONFIG: "Configuration",
    ExitCode.CHECK_FAILED: "Failed",
    ExitCode.DELIVERY: "Delivery",
    ExitCode.OK: "OK",
}
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Stream = Literal["out", "err"]
Say = Callable[[Stream, str], None]


@dataclass(frozen=True)
class Job:
    """What builds one report. arguments: of the command line, but for ``--workers``."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """How a build ended. word: for its exit code. said: its verdict, or what went wrong."""

    name: str
    code: int
    word: str
    said: str


def build_all(
    jobs: Sequence[Job], workers: int, say: Say, ended: Callable[[Outcome], None]
) -> list[Outcome]:
    """Build some reports, each in a process of its own; give how each ended, in their order.

    workers: worker processes of all builds together. say: is called with each line that a build
    prints, its name before it. ended: is called when one has ended.
    A signal that asks to end, or an error, ends all builds first; nothing half-built is left.
    """
    waiting, shares = deque(jobs), deque(shares_of(workers, len(jobs)))
    outcomes: dict[str, Outcome] = {}
    running: dict[str, _Build] = {}
    # A queue that a signal handler may put something in, whatever the main thread is doing.
    news: SimpleQueue[str | int] = SimpleQueue()
    line = _Lines(say)
    with _signals_to(news):
        try:
            while waiting or running:
                while waiting and shares:
                    job = waiting.popleft()
                    running[job.name] = _Build(job, shares.popleft(), line, news)
                message = news.get()
                if isinstance(message, int):
                    break
                build = running.pop(message)
                shares.append(build.share)
                outcomes[message] = build.outcome()
                ended(outcomes[message])
        finally:
            _end_all(list(running.values()))
    return [outcomes[job.name] for job in jobs if job.name in outcomes]


def shares_of(workers: int, jobs: int) -> list[int]:
    """Divide workers among the builds that run at once; those are never more than cores."""
    at_once = max(1, min(workers, jobs, len(os.sched_getaffinity(0))))
    return [workers // at_once + (i < workers % at_once) for i in range(at_once)]


def worst_code(codes: Iterable[int]) -> int:
    """Give the exit code of all: source, section, configuration, check, delivery, fine."""
    return min(codes, key=_WORST_FIRST.index, default=int(ExitCode.OK))


def outcome_table(outcomes: Sequence[Outcome]) -> list[str]:
    """Give the lines of a table of how all ended."""
    rows = [("Report", "Result", "Exit", "")]
    rows += [(each.name, each.word, str(each.code), each.said) for each in outcomes]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return [
        f"{name:{widths[0]}}  {word:{widths[1]}}  {code:>{widths[2]}}  {said}".rstrip()
        for name, word, code, said in rows
    ]


class _Lines:
    """Passes on whole lines, one at a time."""

    def __init__(self, say: Say) -> None:
        self._say, self._lock = say, Lock()

    def __call__(self, stream: Stream, text: str) -> None:
        with self._lock, suppress(OSError, ValueError):  # a log that nobody reads any more
            self._say(stream, text)


class _Build:
    """A process that builds a report."""

    def __init__(self, job: Job, share: int, line: _Lines, news: SimpleQueue[str | int]) -> None:
        self.name, self.share = job.name, share
        self._line = line
        self._first: dict[Stream, str] = {}
        # A session of its own: Ctrl-C must reach it once, from us, while it has time to clean up.
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "reportgen", *job.arguments, "--workers", str(share)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONIOENCODING": "utf-8:backslashreplace"},
            start_new_session=True,
        )
        self._readers = [
            self._start(self._read, "out", self._process.stdout),
            self._start(self._read, "err", self._process.stderr),
        ]
        self._waiter = self._start(self._wait, news)

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
                self._line(stream, f"{self.name} | {text}" if text else f"{self.name} |")

    def _wait(self, news: SimpleQueue[str | int]) -> None:
        self._process.wait()
        for reader in self._readers:
            reader.join(5)  # what it started and left behind may hold the pipe open
        news.put(self.name)

    def outcome(self) -> Outcome:
        """Say how it ended."""
        code = self._process.returncode
        if code not in _WORST_FIRST:
            said = f"The build {_how_it_died(code)}."
            return Outcome(self.name, int(ExitCode.SECTION), "Died", said)
        wrong = self._first.get("err", "").removeprefix("Error: ")
        return Outcome(self.name, code, _WORDS[code], self._first.get("out") or wrong)

    def ask_to_end(self) -> None:
        """Let it remove what it has not finished, and end."""
        self._process.terminate()

    def end(self, deadline: float) -> None:
        """Wait until it has ended; after the deadline it is killed with all it started."""
        try:
            self._process.wait(max(0.0, deadline - monotonic()))
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._waiter.join()


def _how_it_died(code: int) -> str:
    if code >= 0:
        return f"ended with the unknown exit code {code}"
    known = [each.name for each in signal.Signals if each == -code]
    hint = " (out of memory?)" if -code == signal.SIGKILL else ""
    return f"was killed by {known[0] if known else f'signal {-code}'}{hint}"


def _end_all(builds: Sequence[_Build]) -> None:
    for build in builds:
        build.ask_to_end()
    deadline = monotonic() + GRACE_SECONDS
    for build in builds:
        build.end(deadline)


@contextmanager
def _signals_to(news: SimpleQueue[str | int]) -> Iterator[None]:
    """Put signals that ask to end into a queue; the first takes its usual effect at the end."""
    if current_thread() is not main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: object) -> None:
        came.append(number)
        news.put(number)

    before = {number: signal.getsignal(number) for number in _ENDING}
    heeded = {number: was for number, was in before.items() if was is not signal.SIG_IGN}
    for number in heeded:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, was in heeded.items():
            signal.signal(number, was)
        if came:
            signal.raise_signal(came[0])
