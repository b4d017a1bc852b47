"""How a build goes on: bars with the names of sections on a terminal, plain lines in a log."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from reportgen.record import Status
from reportgen.wording import count, printable

MARKS: dict[Status, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "warn": ("warn", "yellow"),
    "fail": ("FAIL", "red"),
    "error": ("ERROR", "red"),
}


class Progress:
    """Whom a build tells how it goes on; this one says nothing."""

    def started(self, names: Iterable[str]) -> None:
        """Say that these steps will be made."""

    def ended(self, name: str, status: Status, seconds: float | None, message: str = "") -> None:
        """Say that a step has ended."""

    def failed(self, names: Sequence[str], message: str) -> None:
        """Say that steps could not be made, all for one reason."""
        self.ended(", ".join(names), "error", None, message)

    def printed(self, name: str, text: str) -> None:
        """Say what a step wrote to its standard output or error."""

    def rows(self, name: str, done: int, rows: int) -> None:
        """Say how many rows of a catalogue have been read, all at its end; called in any thread."""

    def notice(self, text: str) -> None:
        """Say something of the build itself, such as what it waits for."""


class _Errors(Progress):
    def ended(self, name: str, status: Status, seconds: float | None, message: str = "") -> None:
        if status == "error":
            _say(f"ERROR {name}: {message}")


class _Lines(Progress):
    """A line a step, for logs. verbose: also what the steps print."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose

    def started(self, names: Iterable[str]) -> None:
        _say(f"Building {len(list(names))} parts")

    def ended(self, name: str, status: Status, seconds: float | None, message: str = "") -> None:
        took = "" if seconds is None else f" ({seconds:.1f} s)"
        said = f": {message}" if message else ""
        _say(f"{MARKS[status][0]:5} {name}{took}{said}")

    def notice(self, text: str) -> None:
        _say(text)

    def printed(self, name: str, text: str) -> None:
        if self._verbose and text:
            _say("\n".join(f"{name} | {line}" for line in text.splitlines()))


class _Bar(Progress):
    def __init__(self, bar: Any, *, verbose: bool) -> None:
        self._bar = bar
        self._verbose = verbose
        self._waiting: list[str] = []
        self._reading: dict[str, str] = {}
        self._begun: dict[str, float] = {}
        self._task: Any = None

    def started(self, names: Iterable[str]) -> None:
        self._waiting = list(names)
        self._task = self._bar.add_task("", total=len(self._waiting))
        self._describe()

    def ended(self, name: str, status: Status, seconds: float | None, message: str = "") -> None:
        if status != "ok":
            self._print(status, name, message)
        self._advance([name])

    def failed(self, names: Sequence[str], message: str) -> None:
        self._print("error", ", ".join(names), message)
        self._advance(names)

    def _print(self, status: Status, name: str, message: str) -> None:
        from rich.markup import escape

        mark, colour = MARKS[status]
        self._bar.print(f"[{colour}]{mark}[/] {escape(name)}: {escape(printable(message))}")

    def _advance(self, names: Sequence[str]) -> None:
        self._waiting = [name for name in self._waiting if name not in names]
        self._bar.advance(self._task, len(names))
        self._describe()

    def notice(self, text: str) -> None:
        self._bar.print(printable(text), markup=False, highlight=False)

    def printed(self, name: str, text: str) -> None:
        for line in text.splitlines() if self._verbose else ():
            self.notice(f"{name} | {line}")

    def rows(self, name: str, done: int, rows: int) -> None:
        now = monotonic()
        begun = self._begun.setdefault(name, now) if done else now
        self._begun[name] = begun
        rate = f", {done / (now - begun) / 1e6:.2g} million rows/s" if now > begun + 1 else ""
        self._reading[name] = f"{name}: {count(done)} of {count(rows)} rows{rate}"
        if done == rows:
            self._reading.pop(name)
        self._describe()

    def _describe(self) -> None:
        from rich.markup import escape

        shown = ", ".join(self._waiting[:3]) + (" …" if len(self._waiting) > 3 else "")
        shown = "; ".join(self._reading.values()) or shown
        self._bar.update(self._task, description=escape(shown) or "done")


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)


@contextmanager
def progress_display(*, quiet: bool = False, verbose: bool = False) -> Iterator[Progress]:
    """Yield the display that suits where the output goes."""
    if quiet:
        yield _Errors()
    elif not sys.stderr.isatty():
        yield _Lines(verbose=verbose)
    else:
        from rich import progress
        from rich.console import Console

        columns = (
            progress.BarColumn(bar_width=24),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.description}"),
        )
        with progress.Progress(*columns, console=Console(stderr=True)) as bar:
            yield _Bar(bar, verbose=verbose)
