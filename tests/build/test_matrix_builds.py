"""Builds of a matrix: who runs when, what is passed on, and how all end together."""

import os
import signal
import sys
from threading import Event, Timer

import pytest

from reportgen.build.matrix import (
    BuildOutcome,
    Job,
    build_all,
    outcome_table,
    shares_of,
    worst_code,
)
from reportgen.errors import ExitCode

PROGRAM = """
import os, sys
from pathlib import Path
name, _, workers = sys.argv[1:]
folder = Path(sys.argv[0]).parent
"""


@pytest.fixture
def build(tmp_path):
    """Return a function that runs small programs in place of builds, and what they print."""
    said = []

    def build(*programs, workers=2, say=lambda *line: said.append(line), **options):
        jobs, ended = [], []
        for i, program in enumerate(programs):
            (tmp_path / f"{i}.py").write_text(PROGRAM + program, encoding="utf-8")
            jobs.append(Job(f"job{i}", (str(tmp_path / f"{i}.py"), f"job{i}")))
        options = {"command": (sys.executable,), **options}
        outcomes = build_all(jobs, workers, say, ended.append, **options)
        assert {outcome.name for outcome in ended} == {outcome.name for outcome in outcomes}
        return outcomes, said

    return build


@pytest.mark.parametrize(
    ("workers", "jobs", "shares"),
    [(8, 3, [3, 3, 2]), (8, 20, [1] * 8), (1, 5, [1]), (4, 1, [4]), (16, 20, [2] * 8)],
)
def test_workers_are_divided_among_the_builds_that_run_at_once(workers, jobs, shares):
    assert shares_of(workers, jobs, cores=8) == shares


@pytest.mark.parametrize(
    ("codes", "worst"),
    [
        ([0, 4, 1, 2, 3, 5], ExitCode.SOURCE),
        ([0, 4, 1, 2, 3], ExitCode.SECTION),
        ([0, 4, 1, 2], ExitCode.CONFIG),
        ([0, 4, 1], ExitCode.CHECK_FAILED),
        ([0, 4], ExitCode.DELIVERY),
        ([], ExitCode.OK),
        ([5, 70], 70),
    ],
)
def test_the_exit_code_of_all_is_the_worst(codes, worst):
    assert worst_code(codes) == worst


def test_no_more_builds_than_their_shares_run_at_once_and_outcomes_are_in_order(build, tmp_path):
    program = """
(folder / f"{name}.running").touch()
print(len(list(folder.glob("*.running"))), workers)
(folder / f"{name}.running").unlink()
"""
    outcomes, said = build(*[program] * 6, workers=1)
    assert [outcome.name for outcome in outcomes] == [f"job{i}" for i in range(6)]
    assert said == [("out", f"job{i} | 1 1") for i in range(6)]


def test_lines_are_passed_on_whole_each_with_a_name(build):
    program = """
for i in range(300):
    for part in (f"{name} says ", "line ", f"{i}\\n"):
        sys.stdout.write(part)
        sys.stdout.flush()
sys.stderr.buffer.write(b"not utf-8 \\xff, no newline")
"""
    outcomes, said = build(program, program)
    assert all(outcome.code == 0 for outcome in outcomes)
    for name in ("job0", "job1"):
        out = [line for stream, line in said if stream == "out" and line.startswith(name)]
        assert out == [f"{name} | {name} says line {i}" for i in range(300)]
        assert ("err", f"{name} | not utf-8 \\xff, no newline") in said
    assert len(said) == 602


def test_one_that_fails_or_dies_harms_no_other(build):
    outcomes, _ = build(
        "print('Error: cdfs.h5: there is no such file', file=sys.stderr); sys.exit(5)",
        "os.kill(os.getpid(), 9)",
        "sys.exit(99)",
        "print('Fine.'); print('/a/b')",
    )
    source, died = int(ExitCode.SOURCE), int(ExitCode.SECTION)
    assert outcomes == [
        BuildOutcome("job0", source, "Source", "cdfs.h5: there is no such file"),
        BuildOutcome("job1", died, "Died", "The build was killed by SIGKILL (out of memory?)."),
        BuildOutcome("job2", died, "Died", "The build ended with the unknown exit code 99."),
        BuildOutcome("job3", 0, "OK", "Fine."),
    ]
    assert outcome_table(outcomes) == [
        "Report  Result  Exit",
        "job0    Source     5  cdfs.h5: there is no such file",
        "job1    Died       3  The build was killed by SIGKILL (out of memory?).",
        "job2    Died       3  The build ended with the unknown exit code 99.",
        "job3    OK         0  Fine.",
    ]


def test_what_a_build_leaves_behind_does_not_hold_up_the_others(build):
    """A process that keeps the pipe open, as one that a plugin started may."""
    program = """
import subprocess
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("Fine.")
"""
    (outcome,), said = build(program)
    assert outcome.said == "Fine."
    assert said == [("out", "job0 | Fine.")]


def test_a_reader_that_has_gone_stops_no_build(build):
    def gone(*_):
        raise BrokenPipeError

    (outcome,), _ = build("print(1)", say=gone)
    assert (outcome.code, outcome.said) == (0, "1")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_builds_and_then_takes_its_effect(build, tmp_path, number):
    program = """
import signal, time
def end(number, frame):
    (folder / f"{name}.ended").write_text(str(number))
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
(folder / f"{name}.begun").touch()
time.sleep(600)
"""
    came, over = [], Event()
    before = signal.signal(number, lambda n, _: came.append(n))

    def interrupt():
        if len(list(tmp_path.glob("*.begun"))) == len(os.sched_getaffinity(0)):
            os.kill(os.getpid(), number)
        elif not over.is_set():
            Timer(0.1, interrupt).start()

    interrupt()
    try:
        outcomes, _ = build(*[program] * 40, workers=len(os.sched_getaffinity(0)))
    finally:
        over.set()
        signal.signal(number, before)
    assert outcomes == []
    assert came == [number]
    ended = {path.stem: path.read_text() for path in tmp_path.glob("*.ended")}
    assert ended == {path.stem: "15" for path in tmp_path.glob("*.begun")}, (
        "each was asked once, and none that waited has begun"
    )


def test_a_build_that_does_not_end_is_killed(build, tmp_path):
    program = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
(folder / f"{name}.begun").write_text(str(os.getpid()))
print("begun", flush=True)
time.sleep(600)
"""

    def say(*_):
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        build(program, say=say, grace=0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "job0.begun").read_text()), 0)
