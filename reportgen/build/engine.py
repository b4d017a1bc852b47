"""Starts what runs the tasks of scans, when the first large catalogue is read, and ends it."""

import platform
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from logging import CRITICAL, getLogger
from os import environ
from pathlib import Path
from shutil import which
from signal import SIG_UNBLOCK, SIGINT, pthread_sigmask
from socket import gethostname
from threading import Thread
from typing import TYPE_CHECKING, Any

from reportgen.build.progress import Progress
from reportgen.config.engine import LOCAL_CLUSTER, DaskBlock
from reportgen.config.loader import Report
from reportgen.data.file_digests import Stamp, stamp
from reportgen.errors import ConfigError, EngineError, SourceError
from reportgen.versions import installed_version, package_digest
from reportgen.wording import counted, exact, listed
from reportgen.workers.pool import ONE_THREAD, block_interrupts

if TYPE_CHECKING:
    from reportgen.reduce.dask_executor import Dask

_PACKAGES = (
    "numpy",
    "scipy",
    "h5py",
    "astropy",
    "pyarrow",
    "numba",
    "ai-edge-litert",
    "distributed",
)
_GROUPS = ("reportgen.analyses", "reportgen.formats")
# Not what Dask does besides: to look where the time goes takes a tenth of it, and to give memory
# back at once makes a scan twice as slow.
_OF_LOCAL_CLUSTER = {
    "distributed.nanny.pre-spawn-environ": ONE_THREAD,
    "distributed.worker.profile.enabled": False,
}
INSTALL = "pip install 'reportgen[dask]'"


class Engine:
    """What runs the tasks of scans of a report. workers: of a local cluster."""

    def __init__(self, report: Report, workers: int, progress: Progress) -> None:
        self._report, self._workers, self._progress = report, workers, progress
        self._open = ExitStack()
        self._started: Dask | None = None

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def dask(self, stamps: Mapping[Path, Stamp | None]) -> "Dask | None":
        """Return what scans files on a Dask cluster, started now unless it was before.

        stamps: of these files. None where the report does without. Raises ConfigError when what is
        installed on its workers is not what is installed here, and EngineError when it cannot be
        started.
        """
        block = self._report.engine.dask
        if block is None:
            return None
        if self._started is None:
            self._started = self._start(block)
        known = stamps.items()
        sizes = {path.absolute(): each.bytes for path, each in known if each is not None}
        return replace(self._started, ready=partial(require_ready, installation(), sizes))

    def _start(self, block: DaskBlock) -> "Dask":
        try:
            import distributed
        except ImportError as error:
            raise ConfigError(f"engine: Dask cannot be imported: {error}", INSTALL) from error
        from reportgen.reduce.dask_executor import Dask, connected

        # What goes wrong is said in our own words.
        getLogger(distributed.__name__).setLevel(CRITICAL)
        if block.scheduler is not None:
            address, security = block.scheduler, None
        else:
            cluster = self._cluster(block)
            self._open.callback(_close, cluster)
            address, security = cluster.scheduler_address, cluster.security
        with connected(address, block.timeout, security) as client:
            try:
                client.wait_for_workers(1, timeout=block.timeout)
            except TimeoutError:
                raise EngineError(
                    f"no Dask worker has come to {address} within {exact(block.timeout)} s",
                    "start workers, or raise engine.dask.timeout where they wait in a queue",
                ) from None
            _require_same(client, block.timeout)
            shown = block.cluster != LOCAL_CLUSTER or find_spec("bokeh") is not None
            self._progress.notice(_said(address, client, shown=shown))
        return Dask(address, block.timeout, security, dict)

    def _cluster(self, block: DaskBlock) -> Any:
        """Start a cluster of the class that the configuration names."""
        module, _, name = str(block.cluster).rpartition(".")
        where = self._report.place("engine", "dask", "cluster")
        try:
            kind = getattr(import_module(module), name)
        except ImportError as error:
            package = module.partition(".")[0].replace("_", "-")
            raise ConfigError(f"{where}: {error}", f"pip install {package}") from error
        except AttributeError:
            raise ConfigError(f"{where}: {module} has no {name}") from None
        submit = getattr(getattr(kind, "job_cls", None), "submit_command", None)
        if submit is not None and which(submit.split()[0]) is None:
            raise EngineError(f"{where}: there is no {submit} here, with which {name} starts jobs")
        options = dict(block.options)
        if block.cluster == LOCAL_CLUSTER:
            options = {
                "n_workers": self._workers,
                "threads_per_worker": 1,
                "dashboard_address": "127.0.0.1:0",
                "silence_logs": CRITICAL,
                **options,
            }
        import dask

        block_interrupts()  # of the threads that start now, and of the processes that they start
        try:
            with dask.config.set(_OF_LOCAL_CLUSTER):
                return kind(**options)
        except Exception as error:
            cause: BaseException = error
            while cause.__cause__ is not None:
                cause = cause.__cause__
            said = str(cause).partition("\n")[0]
            if isinstance(cause, TypeError | ValueError):
                where = self._report.place("engine", "dask", "options")
                raise ConfigError(f"{where}: {name} does not take them: {said}") from error
            raise EngineError(f"{where}: {name} cannot be started: {said}") from error
        finally:
            pthread_sigmask(SIG_UNBLOCK, {SIGINT})


def _close(cluster: Any) -> None:
    with suppress(Exception):  # one of which only a part has started
        cluster.close()


def _said(address: str, client: Any, *, shown: bool) -> str:
    """Return where a scan runs. shown: whether what draws a dashboard is installed."""
    threads = client.nthreads().values()
    said = f"Dask: {counted(len(threads), 'workers')} with {counted(sum(threads), 'threads')}"
    said += f" at {address}"
    with suppress(KeyError):  # a scheduler without a dashboard
        said += f"; dashboard: {client.dashboard_link}" if shown else ""
    return said


def installation() -> dict[str, str]:
    """Return all that is installed here of which numbers are made; a worker has the same."""
    found = {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "machine": platform.machine(),
        "code of reportgen": package_digest()[:12],
        "OPENBLAS_NUM_THREADS": environ.get("OPENBLAS_NUM_THREADS", ""),  # of sums, too
    }
    points = [point for group in _GROUPS for point in entry_points(group=group)]
    plugins = {point.dist.name for point in points if point.dist is not None}
    for package in ("reportgen", *_PACKAGES, *sorted(plugins - {"reportgen"})):
        found[package] = installed_version(package) or ""
    return found


def require_ready(expected: Mapping[str, str], sizes: Mapping[Path, int]) -> None:
    """Raise an error on a worker that has other versions, or not the same files.

    sizes: bytes of each file. A worker may come when the others have long begun.
    """
    host = gethostname()
    if problem := _differences(expected, installation(), f"the Dask worker at {host}"):
        raise ConfigError(problem, _SAME)
    for path, size in sizes.items():
        found = stamp(path)
        if found is None or found.bytes != size:
            said = "there is no such file" if found is None else "is another file"
            hint = "workers read files at the path that they have here: use a shared file system"
            raise SourceError(f"{path}: {said} on the Dask worker at {host}", hint)


_SAME = "install the same versions on all workers: pip install -c requirements.lock"


def _require_same(client: Any, timeout: float) -> None:
    """Raise ConfigError when a worker has not installed what is installed here.

    EngineError when not all answer within some seconds.
    """
    answers: dict[str, Any] = {}

    # Not a task: a worker that does not have its function would end. It has no limit of its own.
    def ask() -> None:
        with suppress(OSError):  # closed, as it took too long
            answers.update(client.run(installation, on_error="return"))

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout)
    if not answers:
        addresses = listed(list(client.nthreads()))
        raise EngineError(
            f"a Dask worker has not answered within {exact(timeout)} s; there are {addresses}",
            "look at their logs",
        )
    expected, problems = installation(), []
    for address, found in answers.items():
        worker = f"the Dask worker {address}"
        if isinstance(found, Exception):
            problems.append(f"{worker} has no such reportgen: {found}")
        else:
            problems.append(_differences(expected, found, worker))
    if problems := [problem for problem in problems if problem]:
        raise ConfigError("\n".join(problems), _SAME)


def _differences(expected: Mapping[str, str], found: Mapping[str, str], worker: str) -> str:
    """Return how a worker differs from here; empty when it does not."""
    said = [
        f"{name} is {found.get(name) or 'not there'}, here {expected.get(name) or 'not there'}"
        for name in {**expected, **found}
        if expected.get(name) != found.get(name)
    ]
    return f"{worker} differs: {'; '.join(said)}" if said else ""
