import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reportgen.pool import worker_pool
from reportgen.server import Server

TELLING = "reportgen.work", "matplotlib.figure", "reportgen.preloading"


def modules():
    return [name in sys.modules for name in TELLING]


def test_a_worker_has_what_its_server_has_imported_and_those_before_it():
    ended = {}
    with worker_pool(2) as pool:
        for server in Server:
            then = lambda end, server=server: ended.setdefault(server, end)  # noqa: E731
            pool.start(modules, then=then, server=server)
        pool.finish()
    assert {server: end.value for server, end in ended.items()} == {
        Server.PLAIN: [True, False, False],
        Server.DRAWING: [True, True, False],
        Server.WHOLE: [True, True, True],
    }


KILLED = """
import os, signal
from reportgen.pool import worker_pool
from reportgen.server import Server

if __name__ == "__main__":
    with worker_pool(3) as pool:
        pool.preload(["json"])
        for server in Server:
            pool.start(os.getppid, then=lambda end: print(end.value), server=server)
        pool.finish()
        print(end="", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux")
def test_all_servers_end_with_a_build_that_is_killed(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(KILLED)
    ran = subprocess.run(
        [sys.executable, program],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert ran.returncode == -signal.SIGKILL
    servers = ran.stdout.split()
    assert len(set(servers)) == len(Server)
    end = time.monotonic() + 60
    while any(lives(pid) for pid in servers):
        assert time.monotonic() < end
        time.sleep(0.01)


def lives(pid):
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return told.rpartition(")")[2].split()[0] != "Z"
