"""How a build goes on: bars with the names of sections on a terminal, plain lines in a log."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from reportgen.run import Progress
from reportgen.summary import Status

MARKS: dict[Status, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "warn": ("warn", "yellow"),
    "fail": ("FAIL", "red"),
    "error": ("ERROR", "red"),
}


class Silent:
    """Says nothing but errors."""

    def started(self, names: Iterable[str]) -> None:
        """Say nothing."""

    def ended(self, name: str, status: Status, seconds: float | None, message: str = "") -> None:
        """Say what went wrong."""
        if status == "error":
            print(f"ERROR {name}: {message}", file=sys.stderr, flush=True)


class Lines:
    """A line a step, for logs."""

    def started(self, names: Iterable[str]) -> None:
        """Say how many steps there are."""
        print(f"Building {len(list(names))} parts", file=sys.stderr, flush=True)

    def ended(self, name: str, status: Status, seconds: float | None, message: str = "") -> None:
        """Say how a step ended."""
        took = "" if seconds is None else f" ({seconds:.1f} s)"
        said = f": {message}" if message else ""
        print(f"{MARKS[status][0]:5} {name}{took}{said}", file=sys.stderr, flush=True)


class Bar:
    """A bar that names the steps that still run."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
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

    def _describe(self) -> None:
        from rich.markup import escape

        shown = ", ".join(self._waiting[:3]) + (" …" if len(self._waiting) > 3 else "")
        self._progress.update(self._task, description=escape(shown) or "done")


@contextmanager
def progress_display(*, quiet: bool) -> Iterator[Progress]:
    """Give the display that suits where the output goes."""
    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield Lines()
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
            yield Bar(progress)
