"""How a build goes on: bars with the names of sections on a terminal, plain lines in a log."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from reportgen.record import Status

MARKS: dict[Status, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "warn": ("warn", "yellow"),
    "fail": ("FAIL", "red"),
    "error": ("ERROR", "red"),
}


class Progress(Protocol):
    """Who is told how a build goes on."""

    def started(self, names: Iterable[str]) -> None:
        """These steps will be made."""

    def ended(self, name: str, status: Status, seconds: float | None, message: str = "") -> None:
        """A step has ended."""

    def printed(self, name: str, text: str) -> None:
        """A step wrote this to its standard output or error."""

    def told(self, text: str) -> None:
        """The build has something to say of itself, such as what it waits for."""


class Nobody:
    """Says nothing at all."""

    def started(self, names: Iterable[str]) -> None:
        """Say nothing."""

    def ended(self, name: str, status: Status, seconds: float | None, message: str = "") -> None:
        """Say nothing."""

    def printed(self, name: str, text: str) -> None:
        """Say nothing."""

    def told(self, text: str) -> None:
        """Say nothing."""


class Silent(Nobody):
    """Says nothing but errors."""

    def ended(self, name: str, status: Status, seconds: float | None, message: str = "") -> None:
        """Say what went wrong."""
        if status == "error":
            _say(f"ERROR {name}: {message}")


class Lines:
    """A line a step, for logs. verbose: also what the steps print."""

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose

    def started(self, names: Iterable[str]) -> None:
        """Say how many steps there are."""
        _say(f"Building {len(list(names))} parts")

    def ended(self, name: str, status: Status, seconds: float | None, message: str = "") -> None:
        """Say how a step ended."""
        took = "" if seconds is None else f" ({seconds:.1f} s)"
        said = f": {message}" if message else ""
        _say(f"{MARKS[status][0]:5} {name}{took}{said}")

    def told(self, text: str) -> None:
        """Pass it on."""
        _say(text)

    def printed(self, name: str, text: str) -> None:
        """Pass on what a step printed, its name before each line."""
        if self._verbose and text:
            _say("\n".join(f"{name} | {line}" for line in text.splitlines()))


class Bar:
    """A bar that names the steps that still run."""

    def __init__(self, progress: Any, *, verbose: bool = False) -> None:
        self._progress = progress
        self._verbose = verbose
        self._waiting: list[str] = []
        self._task: Any = None

    def started(self, names: Iterable[str]) -> None:
        """Show the bar."""
        self._waiting = list(names)
        self._task = self._progress.add_task("", total=len(self._waiting))
        self._describe()

    def ended(self, name: str, status: Status, seconds: float | None, message: str = "") -> None:
        """Move the bar, and leave a line for what went wrong."""
        from rich.markup import escape

        if name in self._waiting:
            self._waiting.remove(name)
        if status != "ok":
            mark, colour = MARKS[status]
            self._progress.print(f"[{colour}]{mark}[/] {escape(name)}: {escape(message)}")
        self._progress.advance(self._task)
        self._describe()

    def told(self, text: str) -> None:
        """Leave it above the bar."""
        self._progress.print(text, markup=False, highlight=False)

    def printed(self, name: str, text: str) -> None:
        """Leave above the bar what a step printed."""
        if self._verbose and text:
            for line in text.splitlines():
                self._progress.print(f"{name} | {line}", markup=False, highlight=False)

    def _describe(self) -> None:
        from rich.markup import escape

        shown = ", ".join(self._waiting[:3]) + (" …" if len(self._waiting) > 3 else "")
        self._progress.update(self._task, description=escape(shown) or "done")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def progress_display(*, quiet: bool = False, verbose: bool = False) -> Iterator[Progress]:
    """Give the display that suits where the output goes."""
    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield Lines(verbose=verbose)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        columns = (
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        with RichProgress(*columns, console=Console(stderr=True)) as progress:
            yield Bar(progress, verbose=verbose)
