"""Worker processes: a task that raises, dies or runs too long is reported, and harms no other."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

# Imported once in the server that workers are forked from, so that each section does not pay for it.
PRELOAD = [
    "reportgen.work",
    "reportgen.render.saving",
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_agg",
    "astropy.table",
]


@dataclass(frozen=True)
class Failed:
    """A task that gave no value.

    kind: ``error`` (it raised), ``timeout``, or ``died``. error: the exception. details: traceback.
    """

    kind: str
    error: BaseException
    message: str
    details: str = ""


class Tasks:
    """Tasks that run in worker processes."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._running: dict[Future[Any], tuple[Any, float | None]] = {}

    def start(
        self, key: Any, work: Callable[..., Any], *arguments: Any, timeout: float | None = None
    ) -> None:
        """Start ``work(*arguments)``; its end is reported under the key."""
        future = self._pool.schedule(work, args=list(arguments), timeout=timeout)
        self._running[future] = (key, timeout)

    def ended(self) -> Iterator[tuple[Any, Any]]:
        """Give key and value (or Failed) of each task as it ends; more may be started meanwhile."""
        while self._running:
            done, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in done:
                key, timeout = self._running.pop(future)
                yield key, _outcome(future, timeout)


def _outcome(future: Future[Any], timeout: float | None) -> Any:
    from pebble import ProcessExpired

    try:
        return future.result()
    except TimeoutError as error:
        # A section may raise a TimeoutError of its own, which comes with its remote traceback.
        if remote := getattr(error, "traceback", ""):
            return Failed("error", error, f"TimeoutError: {error}", str(remote))
        return Failed("timeout", error, f"ran longer than its timeout of {timeout:g} s and was stopped")
    except ProcessExpired as error:
        return Failed("died", error, _how_it_died(error.exitcode))
    except Exception as error:  # whatever a worker raised belongs to its section
        details = str(getattr(error, "traceback", "") or error.__cause__ or "")
        return Failed("error", error, f"{type(error).__name__}: {error}", details)


def _how_it_died(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"its process was killed by {name}{hint}"
    return f"its process ended by itself with code {code}"


def default_workers() -> int:
    """One worker for each core that this process may use."""
    return max(1, len(os.sched_getaffinity(0)))


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def worker_pool(workers: int) -> Iterator[Tasks]:
    """Give a pool of worker processes; whatever still runs at the end is stopped."""
    from pebble import ProcessPool

    context = get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    pool = ProcessPool(
        max_workers=workers, context=context, initializer=_leave_interrupts_to_the_parent
    )
    try:
        yield Tasks(pool)
        pool.close()
    except BaseException:
        pool.stop()
        raise
    finally:
        pool.stop()
        pool.join()
