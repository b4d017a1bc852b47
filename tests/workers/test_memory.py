import os
import subprocess
import sys
import time

import psutil
import pytest

from reportgen.workers.memory import memory_beyond, memory_of, meter_memory

MB = 10**6
# Says when it is there, and stays until it is spoken to.
HOLDER = "import sys; x = b'x' * {size}; print(len(x), flush=True); sys.stdin.readline()"
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', {holder!r}])"


@pytest.fixture
def start():
    """Start processes that hold so many bytes; they end with the test."""
    started = []

    def start(size, *, in_a_child=False):
        holder = HOLDER.format(size=size)
        code = PARENT.format(holder=holder) if in_a_child else holder
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == f"{size}\n"
        return psutil.Process(process.pid)

    yield start
    for process in started:
        process.communicate("\n")


@pytest.mark.parametrize("in_a_child", [False, True])
def test_what_a_process_and_those_it_started_hold_is_measured(start, in_a_child):
    process = start(100 * MB, in_a_child=in_a_child)
    start(300 * MB)
    assert 100 * MB < memory_of(process) < 180 * MB
    assert 100 * MB < memory_beyond(process.pid, 100 * MB) < 180 * MB
    assert memory_beyond(process.pid, 200 * MB) is None


def test_a_page_that_two_processes_share_counts_half_for_each():
    shared = b"x" * (60 * MB)
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:  # in the child, which only waits to be told to end
        os.close(writes)
        os.read(reads, 1)
        os._exit(0)
    try:
        both = memory_of(psutil.Process())
    finally:
        os.close(writes)
        os.close(reads)
        os.waitpid(child, 0)
    alone = memory_of(psutil.Process())
    assert both < alone + len(shared) / 2


def test_the_peak_of_a_block_stays_when_memory_is_given_back():
    with meter_memory() as meter:
        before = memory_of(psutil.Process())
        held = b"x" * (90 * MB)
        end = time.monotonic() + 60
        while (meter.peak or 0) < before + 0.9 * len(held):
            assert time.monotonic() < end
        del held
    assert meter.peak >= before + 80 * MB
