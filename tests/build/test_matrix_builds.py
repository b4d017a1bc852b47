"""Builds of a matrix: who runs when, what is passed on, and how all end together."""

import os
import signal
import sys
from threading import Event, Timer

import pytest
from reportgen.matrix import building

from reportgen.build.matrix import Job, Outcome, build_all, outcome_table, shares_of, worst_code
from reportgen.errors import ExitCode

PROGRAM = """
import os, sys
from pathlib import Path
name, *words, _, workers = sys.argv[1:]
"""


@pytest.fixture
def build(monkeypatch, tmp_path):
    """Run small programs in place of builds; gives outcomes and what was passed on."""

    def build(*programs, workers=2):
        said, ended, jobs = [], [], []
        for i, program in enumerate(programs):
            (tmp_path / f"{i}.py").write_text(PROGRAM + program, encoding="utf-8")
            jobs.append(Job(f"job{i}", (str(tmp_path / f"{i}.py"), f"job{i}")))
        outcomes = build_all(jobs, workers, lambda *line: said.append(line), ended.append)
        assert {outcome.name for outcome in ended} == {outcome.name for outcome in outcomes}
        return outcomes, said

    real = building.subprocess.Popen

    def popen(command, **options):
        assert command[:3] == [sys.executable, "-m", "reportgen"]
        return real([sys.executable, *command[3:]], **options)

    monkeypatch.setattr(building.subprocess, "Popen", popen)
    monkeypatch.setattr(building.os, "sched_getaffinity", lambda _: {0, 1})
    return build


@pytest.mark.parametrize(
    ("workers", "jobs", "shares"),
    [(8, 3, [3, 3, 2]), (8, 20, [1] * 8), (1, 5, [1]), (4, 1, [4]), (16, 20, [2] * 8)],
)
def test_workers_are_divided_among_the_builds_that_run_at_once(monkeypatch, workers, jobs, shares):
    monkeypatch.setattr(building.os, "sched_getaffinity", lambda _: set(range(8)))
    assert shares_of(workers, jobs) == shares


@pytest.mark.parametrize(
    ("codes", "worst"),
    [
        ([0, 4, 1, 2, 3, 5], ExitCode.SOURCE),
        ([0, 4, 1, 2, 3], ExitCode.SECTION),
        ([0, 4, 1, 2], ExitCode.CONFIG),
        ([0, 4, 1], ExitCode.CHECK_FAILED),
        ([0, 4], ExitCode.DELIVERY),
        ([0, 0], ExitCode.OK),
        ([], ExitCode.OK),
        ([5, 70], 70),
    ],
)
def test_the_exit_code_of_all_is_the_worst(codes, worst):
    assert worst_code(codes) == worst


def test_each_build_has_its_share_and_the_outcomes_are_in_order(build):
    wait = "while not Path(sys.argv[0]).with_name('go').exists(): pass\n"
    go = "Path(sys.argv[0]).with_name('go').touch()\n"
    outcomes, said = build(wait + "print(workers)", go + "print(workers)", workers=5)
    assert [outcome.name for outcome in outcomes] == ["job0", "job1"], (
        "though the second ended first"
    )
    assert sorted(said) == [("out", "job0 | 3"), ("out", "job1 | 2")]


def test_no_more_builds_than_cores_run_at_once(build, tmp_path):
    program = """
folder = Path(sys.argv[0]).parent
(folder / f"{name}.running").touch()
print(len(list(folder.glob("*.running"))))
(folder / f"{name}.running").unlink()
"""
    outcomes, said = build(*[program] * 6, workers=9)
    assert len(outcomes) == 6
    assert {int(line.split("| ")[1]) for _, line in said} <= {1, 2}


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
    source, config = int(ExitCode.SOURCE), int(ExitCode.SECTION)
    assert outcomes == [
        Outcome("job0", source, "Source", "cdfs.h5: there is no such file"),
        Outcome("job1", config, "Died", "The build was killed by SIGKILL (out of memory?)."),
        Outcome("job2", config, "Died", "The build ended with the unknown exit code 99."),
        Outcome("job3", 0, "OK", "Fine."),
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


def test_a_reader_that_has_gone_stops_no_build(build, monkeypatch):
    def gone(*_):
        raise BrokenPipeError

    (outcome,) = build_all([Job("a", ("-c", "print(1)"))], 1, gone, lambda _: None)
    assert (outcome.code, outcome.said) == (0, "1")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_builds_and_then_takes_its_effect(build, tmp_path, number):
    program = """
import signal, time
def end(number, frame):
    (Path(sys.argv[0]).parent / f"{name}.ended").write_text(str(number))
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
(Path(sys.argv[0]).parent / f"{name}.begun").touch()
time.sleep(600)
"""
    came, over = [], Event()
    before = signal.signal(number, lambda n, _: came.append(n))

    def interrupt():
        if len(list(tmp_path.glob("*.begun"))) == 2:
            os.kill(os.getpid(), number)
        elif not over.is_set():
            Timer(0.1, interrupt).start()

    interrupt()
    try:
        outcomes = build_all(
            [_written(tmp_path, i, program) for i in range(4)], 2, lambda *_: None, lambda _: None
        )
    finally:
        over.set()
        signal.signal(number, before)
    assert outcomes == []
    assert came == [number]
    assert {p.name: p.read_text() for p in tmp_path.glob("*.ended")} == {
        "job0.ended": "15",
        "job1.ended": "15",
    }, "each was asked once, and none that waited has begun"


def test_a_build_that_does_not_end_is_killed(build, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "GRACE_SECONDS", 0.5)
    program = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
(Path(sys.argv[0]).parent / f"{name}.begun").write_text(str(os.getpid()))
print("begun", flush=True)
time.sleep(600)
"""

    def say(*_):
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        build_all([_written(tmp_path, 0, program)], 1, say, lambda _: None)
    pid = int((tmp_path / "job0.begun").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _written(folder, i, program):
    path = folder / f"{i}.py"
    path.write_text(PROGRAM + program, encoding="utf-8")
    return Job(f"job{i}", (str(path), f"job{i}"))
