import json
import os
import platform
import subprocess
import sys

import pytest

from reportgen import allocating

PROGRAM = """
import json
import resource
import sys
import numpy as np
from reportgen.allocating import keep_freed

def faults(rounds):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        np.ones(250_000)  # 2 MB, of which the kernel clears every page when it is asked for them
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "kept":
    keep_freed()
faults(3)
print(json.dumps(faults(50)))
"""


def faults(how):
    # By default glibc learns from what is freed; many arrays of other sizes make it forget.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"}
    command = [sys.executable, "-c", PROGRAM, how]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_memory_that_was_freed_is_used_again():
    assert faults("as it comes") > 50 * 2e6 / os.sysconf("SC_PAGESIZE") / 2
    assert faults("kept") < 500


def test_another_c_library_is_left_alone(monkeypatch):
    class Without:
        def __init__(self, _):
            pass

    monkeypatch.setattr(allocating.ctypes, "CDLL", Without)
    allocating.keep_freed()
