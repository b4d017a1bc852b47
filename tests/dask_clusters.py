"""A Dask cluster of two processes on this machine, as tests use it."""

import subprocess
import sys
from contextlib import contextmanager

from projects import clean_environment

_CLUSTER = """
import sys
from distributed import LocalCluster
options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
memory = {"memory_limit": sys.argv[1]} if sys.argv[1:] else {}
with LocalCluster(**options, **memory, silence_logs=60) as cluster:
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
"""


@contextmanager
def two_workers(*memory, **variables):
    """Give the address of a scheduler with two workers, which are started again when they die.

    memory: of each worker, as Dask writes it.
    """
    env = clean_environment(**variables, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1")
    del env["PYTHONWARNINGS"]
    command = [sys.executable, "-c", _CLUSTER, *memory]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=env, text=True, **pipes) as cluster:
        yield cluster.stdout.readline().strip()
        cluster.stdin.close()
