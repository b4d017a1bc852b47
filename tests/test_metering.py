import os
import subprocess
import sys

import pytest

from reportgen import metering
from reportgen.metering import (
    MemoryMeter,
    Sample,
    group_beyond,
    is_known,
    memory_of,
    meter_memory,
    own_peak,
)

MB = 10**6
# Says when it is there, and stays until it is spoken to.
HOLDER = "import sys; x = b'x' * {size}; print(len(x), flush=True); sys.stdin.readline()"
# Starts such a process when it is spoken to, and stays until it is spoken to again.
PARENT = (
    "import subprocess, sys; sys.stdin.readline(); "
    "subprocess.Popen([sys.executable, '-c', {holder!r}], stdin=subprocess.PIPE); "
    "sys.stdin.readline()"
)
# Metering this process would count what the test run itself takes and gives back.
METERED = f"""
from time import perf_counter
from reportgen.metering import meter_memory
before = perf_counter()
with meter_memory() as meter:
    held = b"x" * {90 * MB}
    enough = meter.samples[0].memory + len(held) * 0.9
    while meter.peak < enough:
        assert perf_counter() - before < 60
number = len(meter.samples)
assert number >= 2
assert all(before < sample.seconds < perf_counter() for sample in meter.samples)
"""


def tell(process):
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline()


@pytest.fixture
def run_python():
    """Run programs in groups of their own; they are spoken to, and so end, with the test."""
    started = []

    def run(code):
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.communicate("\n\n")


@pytest.fixture
def start_parent(run_python):
    """Start processes that start one that holds so many bytes when they are told to."""
    return lambda size: run_python(PARENT.format(holder=HOLDER.format(size=size)))


@pytest.fixture
def start(run_python, start_parent):
    """Start processes that hold so many bytes."""

    def start(size, *, in_a_child=False):
        if in_a_child:
            process = start_parent(size)
            assert tell(process) == f"{size}\n"
        else:
            process = run_python(HOLDER.format(size=size))
            assert process.stdout.readline() == f"{size}\n"
        return process

    return start


def test_what_a_process_holds_is_measured(start):
    process = start(100 * MB)
    assert 100 * MB < memory_of(process.pid) < 150 * MB


def test_a_process_that_is_not_there_uses_nothing(start):
    process = start(1)
    process.communicate("\n")
    assert memory_of(process.pid) == 0


def test_a_page_that_two_processes_share_counts_half_for_each():
    shared = b"x" * (60 * MB)
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:  # in the child, which only waits to be told to end
        os.close(writes)
        os.read(reads, 1)
        os._exit(0)
    try:
        both = memory_of(child) + memory_of(os.getpid())
    finally:
        os.close(writes)
        os.close(reads)
        os.waitpid(child, 0)
    alone = memory_of(os.getpid())
    assert both < alone + len(shared) / 2


def test_without_the_share_of_each_what_is_private_counts(start, monkeypatch):
    process = start(100 * MB)
    read = metering._read

    def without_rollup(pid, name):
        if name == "smaps_rollup":
            raise FileNotFoundError(name)
        return read(pid, name)

    monkeypatch.setattr(metering, "_read", without_rollup)
    assert 100 * MB < memory_of(process.pid) < 150 * MB


def test_a_group_is_beyond_its_limit_with_what_it_started(start):
    process = start(100 * MB, in_a_child=True)
    assert memory_of(process.pid) < 50 * MB
    used = group_beyond(process.pid, 100 * MB)
    assert 100 * MB < used < 200 * MB
    assert group_beyond(process.pid, 200 * MB) is None


def test_processes_of_other_groups_are_not_counted(start):
    start(100 * MB)
    assert group_beyond(start(1).pid, 90 * MB) is None


def test_a_meter_adds_up_a_process_and_its_descendants(start):
    process = start(80 * MB, in_a_child=True)
    start(200 * MB)
    meter = MemoryMeter(process.pid)
    assert meter.peak is None
    meter.sample()
    assert 80 * MB < meter.peak < 160 * MB


def test_a_meter_finds_processes_that_start_later(start_parent):
    process = start_parent(90 * MB)
    meter = MemoryMeter(process.pid)
    meter.sample()
    assert tell(process) == f"{90 * MB}\n"
    meter.sample()
    first, second = (sample.memory for sample in meter.samples)
    assert second > first + 90 * MB
    assert meter.peak == second


def test_the_peak_stays_when_memory_is_given_back():
    meter = MemoryMeter()
    meter.samples = [Sample(0.0, 5), Sample(0.1, 9), Sample(0.2, 4)]
    assert meter.peak == 9


def test_a_block_is_metered_until_its_end(run_python):
    process = run_python(METERED)
    process.communicate()
    assert process.returncode == 0


def test_nothing_is_measured_when_nobody_wants_it(monkeypatch, tmp_path):
    with meter_memory(wanted=False) as meter:
        pass
    assert meter.peak is None
    monkeypatch.setattr(metering, "_PROC", tmp_path / "none")
    assert not is_known()
    with meter_memory() as meter:
        pass
    assert meter.peak is None


def test_the_peak_of_this_process_is_at_least_what_it_holds():
    held = b"x" * (30 * MB)
    assert own_peak() > len(held)
    assert own_peak() >= memory_of(os.getpid())
