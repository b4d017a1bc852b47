"""A program goes on when nobody reads what it writes."""

import os
import subprocess
import sys

import pytest
from projects import clean_environment

from reportgen.unread import drop_unread, say

PROGRAM = """
import os, subprocess, sys
from multiprocessing.util import _flush_std_streams
from reportgen.unread import drop_unread, say
error = sys.argv[1] == "err"
sys.stdin.readline()  # until nobody reads any more
say("one", error=error)
say("two", error=error)
_flush_std_streams()  # as before each process that is started
print("three", file=sys.stderr if error else sys.stdout)
drop_unread()
sys.exit(7)
"""


@pytest.mark.parametrize("which", ["out", "err"])
@pytest.mark.parametrize("end", ["pipe", "/dev/full"])
def test_what_nobody_reads_is_forgotten_and_the_exit_code_stays(which, end):
    read, write = os.pipe()
    if end != "pipe":
        os.close(write)
        write = os.open(end, os.O_WRONLY)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, which],
        stdin=subprocess.PIPE,
        **{f"std{which}": write},
        env=clean_environment(PYTHONPATH=os.pathsep.join(sys.path)),
    )
    os.close(write)
    os.close(read)
    process.communicate(b"\n")
    assert process.returncode == 7


def test_what_is_read_is_written_at_once(capfd):
    say("to the one")
    say("to the other", error=True)
    drop_unread()
    assert capfd.readouterr() == ("to the one\n", "to the other\n")


def test_a_stream_that_was_closed_from_the_start_is_no_reason_to_fail(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    say("nothing")
    say("nothing", error=True)
    drop_unread()
