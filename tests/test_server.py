import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json
from multiprocessing import forkserver
from reportgen.pool import worker_pool
from reportgen.server import early_server

def is_there():
    pid = forkserver._forkserver._forkserver_pid
    with open(f"/proc/{pid}/stat") as told:
        return told.read().rpartition(")")[2].split()[0] != "Z"

def work():
    with worker_pool(1) as pool:
        ended = []
        pool.start(int, "7", then=ended.append)
        pool.finish()
        return ended[0].value

if __name__ == "__main__":
    told = {}
    with early_server(["this"]):
        told["early"] = is_there()
    told["unneeded"] = is_there()
    with early_server([]):
        told["value"] = work()
    told["needed"] = is_there()
    with early_server([]):
        pass
    told["of another"] = is_there()
    print(json.dumps(told))
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux")
def test_a_server_that_was_started_early_is_stopped_when_nobody_needs_it(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    ran = subprocess.run(
        [sys.executable, program],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert json.loads(ran.stdout) == {
        "early": True,
        "unneeded": False,
        "value": 7,
        "needed": True,
        "of another": True,
    }
    assert ran.stderr == ""
