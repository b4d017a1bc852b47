import os
import pickle
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from reportgen import pool as pool_module
from reportgen.errors import ConfigError, PublishError, SourceError
from reportgen.failures import LONGEST_MESSAGE, Failed, error_record, failure
from reportgen.pool import MOST_PRINTED, default_workers, worker_pool


class OwnSourceError(SourceError):
    """As a plugin may derive one."""

    def __init__(self, path):
        super().__init__(f"{path} is shy", "be kind")


def raise_own_error():
    raise OwnSourceError("a.h5")


def add(a, b):
    return a + b


def print_much():
    print("x" * 100_000)
    print("the end")
    sys.stderr.write("also to the error output\n")


def sleep_after_a_sign(folder):
    (folder / f"{os.getpid()}").touch()
    time.sleep(3600)


def wait_for_a_sign(folder):
    end = time.monotonic() + 60
    while not list(folder.iterdir()):
        assert time.monotonic() < end
        os.sched_yield()


def meet(folder, name, others):
    """Wait until the others are there: works only when they run at the same time."""
    (folder / name).touch()
    end = time.monotonic() + 60
    while not all((folder / other).exists() for other in others):
        assert time.monotonic() < end
        os.sched_yield()
    return name


def hoard(size, folder):
    hoarded = b"x" * size
    (folder / f"{size}").touch()
    time.sleep(3600)
    return hoarded


def hoard_in_a_child(size):
    code = f"x = b'x' * {size}; import time; time.sleep(3600)"
    return subprocess.run([sys.executable, "-c", code], check=True).returncode


def signals():
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    return signal.SIGINT in blocked, os.getpgrp() == os.getpid(), str(Path.cwd())


def give_unpicklable():
    return lambda: None


class Unwelcome:
    """Cannot be made in the process that should do the work."""

    def __reduce__(self):
        return pickle.loads, (b"not a pickle",)


def run(*tasks, workers=2, timeout=None, memory=None):
    """Run tasks, each a function and its arguments; gives how they ended, in order."""
    ended = {}
    with worker_pool(workers) as pool:
        for number, (work, *arguments) in enumerate(tasks):
            pool.start(
                work,
                *arguments,
                timeout=timeout,
                memory=memory,
                then=lambda end, number=number: ended.setdefault(number, end),
            )
        pool.finish()
    return [ended[number] for number in range(len(tasks))]


def test_a_task_gives_its_value():
    (end,) = run((add, 1, 2))
    assert end.value == 3
    assert end.failed is None
    assert end.printed == ""


def test_more_tasks_than_workers_all_end():
    assert [end.value for end in run(*((add, n, n) for n in range(9)), workers=2)] == [
        2 * n for n in range(9)
    ]


def test_tasks_run_at_the_same_time(tmp_path):
    ends = run((meet, tmp_path, "a", ["b"]), (meet, tmp_path, "b", ["a"]), workers=2)
    assert [end.value for end in ends] == ["a", "b"]


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


def test_of_tasks_that_wait_the_largest_begins_first_and_one_of_unknown_size_before_all():
    begun = []
    with worker_pool(1) as pool:

        def start_others(_):
            for name, size in (("a", 1), ("b", 1000), ("c", 1), ("d", 10)):
                pool.start(add, name, "", then=lambda end: begun.append(end.value), size=size)
            pool.start(add, "pass", "", then=lambda end: begun.append(end.value))

        pool.start(add, 1, 1, then=start_others)
        pool.finish()
    assert begun == ["pass", "b", "d", "a", "c"]


def test_an_error_of_reportgen_keeps_its_kind_and_hint():
    (end,) = run((raise_own_error,))
    assert type(end.failed.error) is SourceError
    assert (end.failed.error.message, end.failed.error.hint) == ("a.h5 is shy", "be kind")
    record = error_record(end.failed)
    assert (record.kind, record.message, record.hint) == ("source", "a.h5 is shy", "be kind")


def test_a_value_or_an_argument_that_cannot_be_sent_fails_its_task_only():
    ends = run((give_unpicklable,), (add, 1, lambda: None), (add, Unwelcome(), 1), (add, 1, 1))
    assert all(end.failed.kind == "error" for end in ends[:3])
    assert "pickl" in ends[0].failed.message
    assert "UnpicklingError" in ends[2].failed.message
    assert ends[3].value == 2


def test_what_a_task_prints_is_kept_from_its_end():
    (end,) = run((print_much,))
    assert end.printed.endswith("the end\nalso to the error output")
    assert len(end.printed) <= MOST_PRINTED


def test_time_is_counted_from_the_begin_of_the_work():
    """Tasks that wait for a worker do not use up their time."""
    ends = run(*((time.sleep, 0.6) for _ in range(4)), workers=1, timeout=1.5)
    assert [end.failed for end in ends] == [None] * 4


def test_a_task_beyond_its_time_is_stopped():
    (end,) = run((time.sleep, 3600), timeout=0.3)
    assert end.failed == Failed("timeout", "ran longer than its timeout of 0.3 s and was stopped")


def test_a_task_that_uses_too_much_memory_is_stopped_and_the_others_go_on(tmp_path):
    ends = run((hoard, 300_000_000, tmp_path), (add, 1, 1), (add, 2, 2), memory=200_000_000)
    failed = ends[0].failed
    assert failed.kind == "memory"
    assert failed.message.startswith("used more than its memory_limit of 200\u00a0MB (")
    assert failed.message.endswith("\u00a0MB) and was stopped")
    assert [end.value for end in ends[1:]] == [2, 4]
    record = error_record(failed)
    assert record.kind == "memory"
    assert "raise memory_limit" in record.hint


def test_what_a_task_starts_counts_for_its_memory():
    (end,) = run((hoard_in_a_child, 300_000_000), memory=200_000_000)
    assert end.failed.kind == "memory"


def test_a_task_within_its_memory_is_left_alone(tmp_path):
    """It is looked at while another, which may use any amount, takes its time."""
    ended = []
    with worker_pool(2) as pool:
        pool.start(wait_for_a_sign, tmp_path, memory=500_000_000, then=ended.append)
        pool.start(hoard, 1_000, tmp_path, timeout=5, then=ended.append)
        pool.finish()
    assert ended[0].failed is None
    assert ended[1].failed.kind == "timeout"


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ((os._exit, 7), "its process ended by itself with code 7"),
        ((os.kill, 0, signal.SIGKILL), "its process was killed by SIGKILL (out of memory?)"),
        ((signal.raise_signal, signal.SIGABRT), "its process was killed by SIGABRT"),
        ((signal.raise_signal, signal.SIGRTMIN + 3), "its process was killed by signal 37"),
    ],
    ids=["exit", "group", "abort", "real-time"],
)
def test_how_a_process_died_is_said(work, said):
    ends = run(work, (add, 1, 1))
    assert ends[0].failed == Failed("died", said)
    assert ends[1].value == 2


def refuse(end):
    raise PublishError("the disk is full")


def test_an_error_while_an_end_is_taken_in_ends_what_runs(tmp_path):
    def build():
        with worker_pool(2) as pool:
            pool.start(sleep_after_a_sign, tmp_path, then=refuse)
            pool.start(wait_for_a_sign, tmp_path, then=refuse)
            pool.start(time.sleep, 3600, then=refuse)
            pool.finish()

    with pytest.raises(PublishError, match="the disk is full"):
        build()
    (sleeper,) = tmp_path.iterdir()
    assert not Path(f"/proc/{sleeper.name}").exists()


def test_a_pool_ends_no_process_but_its_own():
    other = get_context("forkserver").Process(target=time.sleep, args=(3600,))
    other.start()
    try:
        assert run((add, 1, 1))[0].value == 2
        assert other.is_alive()
    finally:
        other.kill()
        other.join()


def test_workers_leave_ctrl_c_to_the_build_and_have_a_group_of_their_own():
    (end,) = run((signals,))
    assert end.value == (True, True, str(Path.cwd()))


def test_long_messages_are_cut():
    failed = failure(ValueError("x" * 10_000))
    assert len(failed.message) <= LONGEST_MESSAGE + 1
    assert failed.message.startswith("ValueError: xxx")


def test_an_exception_without_words_is_named():
    assert failure(ZeroDivisionError()).message == "ZeroDivisionError"


@pytest.mark.parametrize(
    ("error", "kind"),
    [(SourceError("x"), "source"), (ConfigError("x"), "config"), (ValueError("x"), "error")],
)
def test_the_record_of_a_failure_has_its_kind(error, kind):
    record = error_record(failure(error), "it said so", "reportgen x.yaml --only y")
    assert record.kind == kind
    assert record.command == "reportgen x.yaml --only y"
    assert record.details.endswith("It printed:\nit said so")


def test_there_is_a_worker_for_each_core_that_may_be_used():
    assert default_workers() == len(os.sched_getaffinity(0))


def has_been_forked():
    """Whether this process comes from the server that has imported all it should."""
    return "reportgen.work" in sys.modules


def test_a_fresh_task_has_a_process_like_any_other_when_none_was_prepared():
    with worker_pool(2) as pool:
        end = start_fresh(pool, has_been_forked)
    assert end.value is True


def start_fresh(pool, work, *arguments, **options):
    options = {"timeout": 60, "name": "fresh", "fresh": True, **options}
    return end_of(pool, pool.start, work, *arguments, **options)


def end_of(pool, start, *arguments, **options):
    ended = []
    start(*arguments, then=ended.append, **options)
    pool.finish()
    (end,) = ended
    return end


def test_the_first_fresh_task_has_the_process_that_was_prepared_for_it():
    with worker_pool(2) as pool:
        pool.prepare_fresh("this", "no_such_module")
        first = start_fresh(pool, pid_and_modules, "this", "reportgen.work")
        second = start_fresh(pool, pid_and_modules, "this", "reportgen.work")
    assert first.value[1] == [True, False]
    assert second.value[1] == [False, True]  # forked from the server
    assert [span.name for span in pool.spans] == ["fresh", "fresh"]
    assert all(span.cpu is not None for span in pool.spans)


def test_a_fresh_task_in_a_prepared_process_has_its_limits(monkeypatch):
    monkeypatch.setattr(pool_module, "INTERVAL", 0.01)
    with worker_pool(1) as pool:
        pool.prepare_fresh()
        end = start_fresh(pool, time.sleep, 300, timeout=0.3)
    assert end.failed == Failed("timeout", "ran longer than its timeout of 0.3 s and was stopped")
    with worker_pool(1) as pool:
        pool.prepare_fresh()
        end = start_fresh(pool, time.sleep, 300, memory=1)
    assert end.failed.kind == "memory"


def test_when_the_process_for_a_fresh_task_has_died_another_does_the_work():
    with worker_pool(1) as pool:
        pool.prepare_fresh()
        ready = pool._fresh
        wait_until_exists(ready.output.with_suffix(".pid"))
        os.kill(int(ready.output.with_suffix(".pid").read_text()), signal.SIGKILL)
        ready.future.exception(60)
        assert start_fresh(pool, add, 1, 2).value == 3


def test_a_task_has_a_span_that_says_what_it_took():
    ended = []
    with worker_pool(1) as pool:
        pool.start(add, 1, 2, then=ended.append, name="sum")
        pool.start(os._exit, 7, then=ended.append, name="end")
        pool.finish()
    done, died = pool.spans
    assert done.called <= done.begun <= done.ended
    assert done.cpu >= 0
    assert done.memory > 1_000_000
    assert (died.name, died.cpu, died.memory) == ("end", None, None)


def pid_and_modules(*names):
    return os.getpid(), [name in sys.modules for name in names]


def start_ready(pool, work, *arguments, timeout=60):
    return end_of(pool, pool.start_ready, work, *arguments, timeout=timeout, name="ready")


def test_a_prepared_process_has_imported_and_does_the_work_once():
    with worker_pool(1) as pool:
        pool.prepare("this", "no_such_module")
        prepared = pool._ready.future
        first = start_ready(pool, pid_and_modules, "this")
        second = start_ready(pool, pid_and_modules, "this")
    assert prepared.done()
    assert first.value[1] == [True]
    assert second.value[1] == [False], "there was none prepared any more"
    assert first.value[0] != second.value[0]
    assert "Beautiful is better than ugly." in first.printed
    assert [span.name for span in pool.spans] == ["ready", "ready"]
    assert pool.spans[0].cpu is not None


def test_a_prepared_process_waits_for_no_worker_and_takes_none():
    ended = []
    with worker_pool(1) as pool:
        pool.prepare()
        pool.start(add, 1, 2, then=ended.append)
        pool.finish()
        assert start_ready(pool, add, 3, 4).value == 7
    assert ended[0].value == 3


def test_once_there_is_a_server_a_prepared_process_is_forked_while_all_workers_are_busy(tmp_path):
    ended = []
    with worker_pool(1) as pool:
        pool.start(os.getppid, then=ended.append)
        pool.finish()
        pool.start(wait_until_exists, tmp_path / "go", then=ended.append)
        pool.prepare("this")
        wait_until_exists(pool._ready.output.with_suffix(".pid"))
        (tmp_path / "go").write_text("on")
        pool.finish()
        assert start_ready(pool, os.getppid).value == ended[0].value
    assert [end.failed for end in ended] == [None, None]


SERVER_DIES = """
import operator, os, sys
from pathlib import Path
from reportgen import server
from reportgen.pool import worker_pool

def main():
    server.PRELOAD.append(sys.argv[1])
    server.DRAWING.append(sys.argv[2])
    ended = []
    with worker_pool(2) as pool:
        pool.preload(sys.argv[3:])
        pool.prepare("this")
        for number, place in enumerate(server.Server):
            pool.start(operator.add, number, 2, then=ended.append, server=place)
        pool.finish()
        pool.start_ready(os.getpid, then=ended.append, timeout=60)
        pool.finish()
    assert [end.failed for end in ended] == [None] * 4, ended
    assert sorted(end.value for end in ended[:3]) == [2, 3, 4]

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("place", [1, 2, 3], ids=["library", "what draws", "plugin"])
@pytest.mark.parametrize("error", ["OSError('no')", "SystemExit(3)"])
def test_a_server_that_does_not_survive_what_it_imports_is_done_without(tmp_path, place, error):
    (tmp_path / "program.py").write_text(SERVER_DIES)
    (tmp_path / "ends_it.py").write_text(f"raise {error}")
    names = ["this", "this", "this"]
    names[place - 1] = "ends_it"
    done = subprocess.run(
        [sys.executable, tmp_path / "program.py", *names],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "unexpected pid" not in done.stderr


def test_without_a_prepared_process_another_does_the_work():
    with worker_pool(1) as pool:
        assert start_ready(pool, add, 1, 2).value == 3


def test_when_the_prepared_process_has_died_another_does_the_work():
    with worker_pool(1) as pool:
        pool.prepare()
        ready = pool._ready
        wait_until_exists(ready.output.with_suffix(".pid"))
        os.kill(int(ready.output.with_suffix(".pid").read_text()), signal.SIGKILL)
        ready.future.exception(60)
        assert start_ready(pool, add, 1, 2).value == 3


def wait_until_exists(path):
    end = time.monotonic() + 60
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < end
        os.sched_yield()


def test_the_work_of_a_prepared_process_is_stopped_beyond_its_time():
    with worker_pool(1) as pool:
        pool.prepare()
        end = start_ready(pool, time.sleep, 300, timeout=0.3)
    assert end.failed == Failed("timeout", "ran longer than its timeout of 0.3 s and was stopped")


def test_a_prepared_process_that_begins_after_its_time_is_stopped_all_the_same(monkeypatch):
    monkeypatch.setattr(pool_module, "INTERVAL", 0.01)
    with worker_pool(1) as pool:
        pool.prepare()
        end = start_ready(pool, time.sleep, 300, timeout=1e-6)
    assert end.failed.kind == "timeout"


def test_what_fails_in_a_prepared_process_is_told():
    for work, kind in (((raise_own_error,), "error"), ((add, 1, lambda: None), "error")):
        with worker_pool(1) as pool:
            pool.prepare()
            assert start_ready(pool, *work).failed.kind == kind


def test_a_prepared_process_without_work_ends_with_the_pool():
    with worker_pool(1) as pool:
        pool.prepare()
        place = pool._ready.output.with_suffix(".pid")
        wait_until_exists(place)
        pid = int(place.read_text())
    assert not Path(f"/proc/{pid}").exists()
