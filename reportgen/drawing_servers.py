"""More servers that workers are forked from: one that has imported what draws, one with the rest.

Each is forked from the one before, and the first from multiprocessing's own. So there are workers
for what needs little half a second before there are any for maps of the sky.
"""

import os
import signal
import socket
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from multiprocessing.util import get_temp_dir
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple
from uuid import uuid4

NAME = "reportgen server"


class _Place(NamedTuple):
    """What one server has of this process. importing: closed once it has imported the modules."""

    listener: socket.socket
    importing: Connection
    modules: tuple[str, ...]


class DrawingServers:
    """The servers of this process, which are started without waiting for them.

    modules: what each imports on top of the one before. ready: done, for each, once it has, or has
    ended.
    """

    def __init__(self, modules: Sequence[Iterable[str]]) -> None:
        self.ready: list[Future[None]] = [Future() for _ in modules]
        self._asked = Event()
        context = get_context("forkserver")
        # Nobody writes to a pipe: that its end is closed tells what there is to tell.
        lives, self._lives = context.Pipe(duplex=False)
        places, imports = [], []
        for names in modules:
            read, importing = context.Pipe(duplex=False)
            places.append(_Place(_listener(), importing, tuple(names)))
            imports.append(read)
        self._addresses = [place.listener.getsockname() for place in places]
        self._process = context.Process(target=_serve, args=(places, lives), name=NAME, daemon=True)
        given = [lives, *(each for place in places for each in place[:2])]
        # Until the first server has imported all it should, it has no time to fork another.
        Thread(target=self._start, args=(given, imports), daemon=True).start()

    def _start(
        self, given: Iterable[Connection | socket.socket], imports: Iterable[Connection]
    ) -> None:
        with suppress(Exception):  # what starts the next process meets the same, and tells it
            self._process.start()
        for each in given:
            each.close()
        self._asked.set()
        for read, ready in zip(imports, self.ready, strict=True):
            read.poll(None)
            read.close()
            ready.set_result(None)

    @contextmanager
    def forking(self, number: int) -> Iterator[None]:
        """Have multiprocessing's processes forked from one of these, from 0; once it is ready."""
        first: Any = forkserver._forkserver
        before = first._forkserver_address
        first._forkserver_address = self._addresses[number]
        try:
            yield
        finally:
            if first._forkserver_address == self._addresses[number]:  # else it was started anew
                first._forkserver_address = before

    def were_asked_for(self, seconds: float) -> bool:
        """Wait until one has been forked, or none can be; tell whether either has happened."""
        return self._asked.wait(seconds)

    def stop(self) -> None:
        """End them, when they were asked for."""
        if self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.join()


def _listener() -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    # In a folder that nobody else may look into; shorter than multiprocessing's own, as an address
    # has some hundred characters at most.
    address = Path(get_temp_dir()) / uuid4().hex[:8]
    listener.bind(str(address))
    listener.listen()
    return listener


def _serve(places: Sequence[_Place], lives: Connection) -> None:
    """Be the first of these servers, until the build has ended, and have it fork the others."""
    os.setpgid(0, 0)
    # It says so of a process that it was not asked for, when one of the other servers has ended.
    warnings.filterwarnings("ignore", "forkserver: waitpid returned unexpected pid")
    for number, place in enumerate(places):
        for name in place.modules:
            with suppress(Exception):  # the section will say it better
                import_module(name)
        place.importing.close()
        others = places[number + 1 :]
        if not others or os.fork():
            for other in others:
                other.listener.close()
                other.importing.close()
            forkserver.main(place.listener.detach(), lives.fileno(), [])
        place.listener.close()
