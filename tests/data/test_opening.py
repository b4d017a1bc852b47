import os
import time
from pathlib import Path

import h5py
import pytest
from projects import ROOT

from reportgen.data import opening
from reportgen.data.file_digests import FileDigests
from reportgen.data.opening import describe_here, describe_tables

LOOPING = ROOT / "../shared/cases/damaged-hdf5-hangs/x.h5"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html>\n<html><title>Log in</title>", "is an HTML page"),
        (b"\x00\x01\x02", "is no table of a format that is known"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_table_is_said_to_be_so(tmp_path, content, said):
    path = tmp_path / "cat.dat"
    path.write_bytes(content)
    assert describe_here((path, "")).message == f"{path}: {said}"


def test_a_file_is_named_wherever_it_is_and_whatever_else_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with h5py.File("cat.h5", "w") as file:
        file["x"] = [1.0]
    error = describe_here((Path("cat.h5"), "a.b"))
    assert error.message.startswith("cat.h5: unknown dataset '/a.b'")


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "cat.h5")
    error = describe_here((tmp_path / "cat.h5", ""))
    assert error.message.endswith("is a named pipe, not a table file")


def test_a_file_on_which_its_library_loops_is_given_up(monkeypatch):
    if not LOOPING.exists():
        pytest.skip("there is no ../shared/cases/damaged-hdf5-hangs beside the repository")
    monkeypatch.setattr(opening, "LONGEST_LOOK", 2.0)
    begun = time.monotonic()
    found = describe_tables([(LOOPING, "cat"), (LOOPING, "comp")], FileDigests())
    assert time.monotonic() - begun < 20
    assert {error.message for error in found.values()} == {
        f"{LOOPING}: reading its header was given up after 2 s"
    }
