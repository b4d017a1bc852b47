"""The server that workers are forked from: a process that has imported what they need."""

import os
import signal
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from multiprocessing import forkserver, get_context
from multiprocessing import resource_tracker as tracker

from reportgen.drawing_servers import DrawingServers

# Imported once in a server, so that no task pays for it.
PRELOAD = [
    "reportgen.work",
    "reportgen.features",
    "reportgen.documents",
    "h5py",
    "jinja2",
    "pebble.concurrent",
]
DRAWING = [
    "reportgen.beforehand",
    "pypdfium2",
    "uharfbuzz",
    "astropy.units",
]


class Server(IntEnum):
    """Servers that workers are forked from, each from the one before, with what it has imported.

    PLAIN: all but what draws. DRAWING: what draws. WHOLE: what analyses ask for besides.
    """

    PLAIN = 0
    DRAWING = 1
    WHOLE = 2


LOOK_SECONDS = 0.01


@dataclass
class _Server:
    """The server of this process. is_needed: a pool has asked for it. drawing: those that draw."""

    is_needed: bool = False
    drawing: DrawingServers | None = None


_server = _Server()


def for_analyses(names: Iterable[str]) -> tuple[str, ...]:
    """Give the modules that sections of analyses need, as far as these are our own."""
    own = [f"reportgen.analyses.{name}" for name in names if name.isidentifier()]
    return tuple(own)


def start_server(modules: Iterable[str] = (), asked: Iterable[str] = ()) -> DrawingServers:
    """Start the servers of this process, once, and do not wait for them; give those that draw.

    modules: of ours, for the first, which would end with an error of theirs. asked: for the last.
    """
    if _server.drawing is None:
        get_context("forkserver").set_forkserver_preload([*PRELOAD, *_of_program(), *modules])
        with deaf_to_interrupts():
            forkserver.ensure_running()
            _server.drawing = DrawingServers((DRAWING, ("reportgen.preloading", *asked)))
    _server.is_needed = True
    return _server.drawing


def _of_program() -> list[str]:
    """Give what the main module imports, as multiprocessing imports that in every process.

    That of ``python -m reportgen`` imports nothing then; the script ``reportgen`` does.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return [] if spec is not None and spec.name == "reportgen.__main__" else ["reportgen.cli"]


@contextmanager
def early_server(modules: Collection[str]) -> Iterator[None]:
    """Start the server before it is known whether it is needed; if it is not, it is stopped."""
    was_running, was_needed = _server.drawing is not None, _server.is_needed
    drawing = start_server(modules)
    _server.is_needed = was_needed
    try:
        yield
    finally:
        if not (was_running or _server.is_needed):
            _stop_server(drawing)


def _stop_server(drawing: DrawingServers) -> None:
    """Stop the servers, as importing all they should takes longer than a build that needs none."""
    _stop_first()
    while not drawing.were_asked_for(LOOK_SECONDS):
        _stop_first()  # to ask for the other has started it anew
    drawing.stop()
    _server.drawing = None


def _stop_first() -> None:
    pid = getattr(forkserver._forkserver, "_forkserver_pid", None)
    if pid is not None:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            # Left for multiprocessing to reap, which so sees that it must start another.
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Start processes that leave Ctrl-C to the build."""
    tracker.ensure_running()  # it would undo the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
