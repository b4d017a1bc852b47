import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time

import psutil
import pytest
from projects import clean_environment

from reportgen.errors import PublishError
from reportgen.workers.failures import Failed
from reportgen.workers.pool import worker_pool

TOO_LONG = Failed("timeout", "ran longer than its timeout of 2 s and was stopped")
KILLED = Failed("died", "its process was killed by SIGKILL (out of memory?)")


class Unwelcome:
    """Cannot be made in the process that should do the work."""

    def __reduce__(self):
        return pickle.loads, (b"not a pickle",)


def add(a, b):
    return a + b


def give_unpicklable():
    return lambda: None


def meet(folder, name, other):
    """Wait until another is there: works only when they run at the same time."""
    (folder / name).touch()
    wait_until((folder / other).exists)
    return name


def leave_a_child(sign, then, *arguments):
    """Fork a child that would live for an hour, and go on."""
    child = os.fork()
    if not child:
        time.sleep(3600)
    write(sign, child)
    return then(*arguments)


def write(path, value):
    part = path.with_suffix(".part")
    part.write_text(str(value))
    part.rename(path)


def wait_until(claim):
    end = time.monotonic() + 60
    while not claim():
        assert time.monotonic() < end
        time.sleep(0.005)


def lives(pid):
    try:
        return psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def run(*tasks, workers=2, **limits):
    """Run tasks, each a function and its arguments; gives how they ended, in order."""
    ended = {}
    with worker_pool(workers) as pool:
        for number, (work, *arguments) in enumerate(tasks):
            then = lambda end, number=number: ended.setdefault(number, end)  # noqa: E731
            pool.start(work, *arguments, **limits, then=then)
        pool.finish()
    return [ended[number] for number in range(len(tasks))]


def test_more_tasks_than_workers_all_give_their_values():
    ends = run(*((add, n, n) for n in range(9)), workers=2)
    assert [(end.value, end.failed, end.printed) for end in ends] == [
        (2 * n, None, "") for n in range(9)
    ]


def test_tasks_run_at_the_same_time(tmp_path):
    ends = run((meet, tmp_path, "a", "b"), (meet, tmp_path, "b", "a"))
    assert [end.value for end in ends] == ["a", "b"]


def test_a_signal_that_another_thread_gets_is_heeded_while_a_task_runs():
    class Ended(BaseException):
        pass

    def end(*_):
        raise Ended

    before = signal.signal(signal.SIGUSR1, end)
    sender = threading.Timer(
        0.5, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    )
    try:
        with worker_pool(1) as pool, pytest.raises(Ended):  # noqa: PT012 - while it waits
            pool.start(time.sleep, 600, then=print)
            sender.start()
            pool.finish()
    finally:
        signal.signal(signal.SIGUSR1, before)
        sender.join()


def test_a_task_may_start_another():
    ended = []
    with worker_pool(1) as pool:

        def then(end):
            ended.append(end.value)
            if end.value < 3:
                pool.start(add, end.value, 1, then=then)

        pool.start(add, 0, 1, then=then)
        pool.finish()
    assert ended == [1, 2, 3]


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ((give_unpicklable,), "pickl"),
        ((add, 1, lambda: None), "pickl"),
        ((add, Unwelcome(), 1), "UnpicklingError"),
        ((sys.exit, "no"), "SystemExit: no"),
    ],
    ids=["value", "argument", "arrival", "exit"],
)
def test_what_raises_or_cannot_be_sent_fails_its_task_only(work, said):
    wrong, right = run(work, (add, 1, 1))
    assert wrong.failed.kind == "error"
    assert said in wrong.failed.message
    assert right.value == 2


@pytest.mark.parametrize(
    ("then", "failed"),
    [
        ((add, 1, 1), None),
        ((os._exit, 7), Failed("died", "its process ended by itself with code 7")),
        ((signal.raise_signal, signal.SIGKILL), KILLED),
        ((time.sleep, 3600), TOO_LONG),
    ],
    ids=["returns", "exits", "killed", "too long"],
)
def test_what_a_task_started_ends_with_it(tmp_path, then, failed):
    timeout = 2 if failed == TOO_LONG else 600
    (end,) = run((leave_a_child, tmp_path / "child", *then), timeout=timeout)
    assert end.failed == failed
    wait_until(lambda: not lives((tmp_path / "child").read_text()))


def test_an_error_while_an_end_is_taken_in_ends_what_runs(tmp_path):
    def refuse(end):
        raise PublishError("the disk is full")

    def build():
        with worker_pool(2) as pool:
            pool.start(leave_a_child, tmp_path / "child", time.sleep, 3600, then=refuse)
            pool.start(wait_until, (tmp_path / "child").exists, then=refuse)
            pool.start(time.sleep, 3600, then=refuse)
            pool.finish()

    with pytest.raises(PublishError, match="the disk is full"):
        build()
    wait_until(lambda: not lives((tmp_path / "child").read_text()))


PROGRAM = """
import operator, sys, time
from pathlib import Path
from reportgen.workers.pool import set_preloaded, worker_pool
from test_pool import leave_a_child

def main(folder):
    ended = []
    with worker_pool(2) as pool:
        set_preloaded(["preloaded"])
        pool.preload()
        if "work" in sys.argv:
            pool.start(leave_a_child, folder / "child", time.sleep, 3600, then=ended.append)
        pool.start(operator.add, 1, 2, then=ended.append)
        pool.finish()
    assert [end.value for end in ended] == [3], ended

if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(130)
"""


def start_program(folder, preloaded, *arguments):
    """Start a program in a session of its own. preloaded: code that its workers need."""
    (folder / "program.py").write_text(PROGRAM)
    (folder / "preloaded.py").write_text(preloaded)
    paths = os.pathsep.join([str(folder), *sys.path])
    return subprocess.Popen(
        [sys.executable, folder / "program.py", folder, *arguments],
        env=clean_environment(PYTHONPATH=paths),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("code", ["raise OSError('no')", "import os; os._exit(3)"])
def test_what_ends_the_process_that_preloads_it_is_done_without(tmp_path, code):
    program = start_program(tmp_path, code)
    program.communicate(timeout=120)
    assert program.returncode == 0


@pytest.mark.parametrize(
    ("when", "number"),
    [("preload", signal.SIGINT), ("work", signal.SIGKILL)],
    ids=["Ctrl-C", "killed"],
)
def test_nothing_is_left_of_a_build_that_is_stopped(tmp_path, when, number):
    slow = f"import time; open({str(tmp_path / 'preload')!r}, 'w').close(); time.sleep(1)"
    program = start_program(tmp_path, slow, when)
    wait_until((tmp_path / {"preload": "preload", "work": "child"}[when]).exists)
    started = psutil.Process(program.pid).children(recursive=True)
    assert started
    # A terminal sends Ctrl-C to all that is in the foreground.
    (os.killpg if number == signal.SIGINT else os.kill)(program.pid, number)
    said = program.communicate(timeout=60)[1]
    assert program.returncode == {signal.SIGINT: 130}.get(number, -number)
    wait_until(lambda: not any(lives(process.pid) for process in started))
    assert said == ""


def test_folders_that_killed_builds_left_are_removed_and_those_in_use_are_not(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, young, others = (tmp_path / f"reportgen-{name}" for name in ("left", "young", "others"))
    for folder in (left, young, others):
        folder.mkdir()
        if folder != others:
            (folder / "in-use.lock").touch()
    with worker_pool(1) as pool:
        for folder in (left, others, pool.folder):
            os.utime(folder, (0, 0))
        with worker_pool(1):
            assert pool.folder.exists()
    assert set(tmp_path.iterdir()) == {young, others}
