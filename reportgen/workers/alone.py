"""Work on what comes from outside, in a process of its own."""

from collections.abc import Callable
from multiprocessing import parent_process
from typing import Any

from reportgen.workers.failures import Ended, attempt
from reportgen.workers.pool import worker_pool


def run_alone(work: Callable[..., Any], *arguments: Any, timeout: float) -> Ended:
    """Run ``work(*arguments)`` in a process of its own; return how it ended.

    In a worker process it is run at once: a worker starts no other. timeout: seconds.
    """
    if parent_process() is not None:
        return attempt(work, *arguments)
    ends: list[Ended] = []
    # Spawned: the one from which a build forks its workers is started when it is known what for.
    with worker_pool(1, method="spawn") as pool:
        pool.start(work, *arguments, then=ends.append, timeout=timeout)
        pool.finish()
    return ends[0]
