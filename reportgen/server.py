"""The server that workers are forked from: a process that has imported what they need."""

import os
import signal
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from multiprocessing import resource_tracker as tracker

# Imported once in the server, so that no task pays for it.
PRELOAD = [
    "reportgen.plain",
    "reportgen.work",
    "reportgen.beforehand",
    "pypdfium2",
    "uharfbuzz",
    "astropy.units",
    "h5py",
    "jinja2",
    "pebble.concurrent",
]


@dataclass
class _Server:
    """The server of this process. is_needed: a pool has asked for it."""

    runs: bool = False
    is_needed: bool = False


_server = _Server()

OF_PLUGINS = "REPORTGEN_PRELOAD"
"""Environment variable through which the server is told what else to import: it would end with the
error of a module that it is given by name."""


def for_analyses(names: Iterable[str]) -> tuple[str, ...]:
    """Give the modules that sections of analyses need, as far as these are our own."""
    own = [f"reportgen.analyses.{name}" for name in names if name.isidentifier()]
    return tuple(own)


def start_server(modules: Collection[str] = ()) -> None:
    """Start the server of this process, once, and do not wait for it. modules: to import, too."""
    if not _server.runs:
        own = [name for name in modules if name.partition(".")[0] == "reportgen"]
        os.environ[OF_PLUGINS] = " ".join(name for name in modules if name not in own)
        all_modules = [*PRELOAD, *_of_program(), *own, "reportgen.preloading"]
        get_context("forkserver").set_forkserver_preload(all_modules)
        with deaf_to_interrupts():
            forkserver.ensure_running()
    _server.runs = _server.is_needed = True


def _of_program() -> list[str]:
    """Give what the main module imports, as multiprocessing imports that in every process.

    That of ``python -m reportgen`` imports nothing then; the script ``reportgen`` does.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return [] if spec is not None and spec.name == "reportgen.__main__" else ["reportgen.cli"]


@contextmanager
def early_server(modules: Collection[str]) -> Iterator[None]:
    """Start the server before it is known whether it is needed; if it is not, it is stopped."""
    was_running, was_needed = _server.runs, _server.is_needed
    start_server(modules)
    _server.is_needed = was_needed
    try:
        yield
    finally:
        if not (was_running or _server.is_needed):
            _stop_server()


def _stop_server() -> None:
    """Stop the server, as importing all it should takes longer than a build that needs none."""
    pid = getattr(forkserver._forkserver, "_forkserver_pid", None)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        # Left for multiprocessing to reap, which so sees that it must start another.
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        _server.runs = False


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Start processes that leave Ctrl-C to the build."""
    tracker.ensure_running()  # it would undo the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
