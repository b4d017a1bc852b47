"""The server that workers are forked from: a process that has imported what they need."""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, get_context
from multiprocessing import resource_tracker as tracker

# Imported once in the server, so that no task pays for it.
PRELOAD = [
    "reportgen.plain",
    "reportgen.cli",
    "reportgen.work",
    "reportgen.beforehand",
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_agg",
    "pypdfium2",
    "uharfbuzz",
    "astropy.units",
    "h5py",
    "jinja2",
    "pebble.concurrent",
]

_running: list[tuple[str, ...]] = []  # what the one of this process imports besides, once it runs


def for_analyses(names: Iterable[str]) -> tuple[str, ...]:
    """Give the modules that sections of analyses need, as far as these are our own."""
    own = [f"reportgen.analyses.{name}" for name in names if name.isidentifier()]
    return *own, "reportgen.preloading"  # it asks those before it


def start_server(modules: Iterable[str] = ()) -> None:
    """Start the server of this process, once, and do not wait for it. modules: to import, too."""
    if _running:
        return
    more = tuple(modules)
    get_context("forkserver").set_forkserver_preload([*PRELOAD, *more])
    with deaf_to_interrupts():
        forkserver.ensure_running()
    _running.append(more)


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Start processes that leave Ctrl-C to the build."""
    tracker.ensure_running()  # it would undo the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
