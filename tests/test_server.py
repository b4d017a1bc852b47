import json
import os
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from reportgen import server

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
    with early_server(["json"]):
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


@pytest.mark.parametrize(
    ("name", "modules"), [("reportgen.__main__", []), ("another", ["reportgen.cli"])]
)
def test_the_command_line_is_imported_where_the_main_module_has_it(name, modules, monkeypatch):
    main = ModuleType("__main__")
    main.__spec__ = ModuleSpec(name, None)
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert server._of_program() == modules
    main.__spec__ = None  # of a script
    assert server._of_program() == ["reportgen.cli"]


def test_workers_import_the_main_module_without_the_command_line():
    program = (
        "import sys; from runpy import run_module;"
        "run_module('reportgen.__main__', run_name='__mp_main__');"
        "print('click' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False\n"
