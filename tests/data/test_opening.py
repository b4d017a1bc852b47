import gzip
import os
import time
from pathlib import Path

import h5py
import pytest
from projects import ROOT

from reportgen.data import opening
from reportgen.data.file_digests import FileDigests
from reportgen.data.opening import describe_here, describe_tables, format_of

LOOPING = ROOT / "../shared/cases/damaged-hdf5-hangs/x.h5"


GZIP, XML = b"\x1f\x8b", b"\xef\xbb\xbf<?xml?>\n<!-- a -->\n<vo:VOTABLE version='1.3'>"
NO_TABLES = [
    *("<!DOCTYPE html>\n<html><title>Log in</title>", "<html>\n<p>a, b\n</html>\n"),
    *("SIMPLE text", "SIMPLE = <VOTABLE>", "<html><body>VOTABLE</body>", "# <VOTABLE>"),
    *("# comment\n1 2\n", "| a | b |\n|---|---|\n| 1 | 2 |\n", "|a|\n|b|\n|c|\n|d|\n|e|\n x"),
    *("\\documentclass{article}\n\\begin{document}", "\\begin{table}\n|a|b|\n 1 2"),
    *("Title: a letter\n\nDear all", "Title: Stars\n====\nByte-by-byte Description\n"),
    *('{"ra": 1, "dec": 2}\n{"ra": 1, "dec": 2}\n', "[1, 2]\n[3, 4]\n", "x = 1\ny = 2\n"),
    *("report:\n  id: swire\n  title: SWIRE\n", "id: swire\ntitle: SWIRE\nlanguage: en\n"),
    *("import numpy, scipy\nfrom x import y, z\nprint(1, 2)\n", "one two three\nfour five six\n"),
    *("This is a text.\nIt has some words.\n", "To whom it may concern,\nwe have no data,\n"),
    *("ra\n1\n2\n", "1,2\n3,4\n", "ra,dec\n1,2\n3\n", "\0\1\2", GZIP + b"\0"),
    gzip.compress(b"a letter\n", mtime=0),
]


@pytest.mark.parametrize("content", NO_TABLES)
def test_what_is_no_table_is_said_to_be_so(tmp_path, content):
    path = tmp_path / "cat.dat"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = "an HTML page" if "<html" in str(content) else "no table of a format that is known"
    assert describe_here((path, "")).message == f"{path}: is {said}"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("# %ECSV 1.0\n# ---\n# datatype:\nra dec\n1 2\n", "a table in ECSV, IPAC or CDS format"),
        ("\\catalog = swire\n| ra | dec |\n  1.0  2.0 \n", "a table in ECSV, IPAC or CDS format"),
        (XML, "a VOTable"),
        ("<?xml?><VOTABLE>".encode("utf-16"), "a VOTable"),
        ("SIMPLE  =                    T\n", "a FITS file"),
        ("\x89HDF\r\n\x1a\n".encode("latin-1"), "an HDF5 file"),
        ("a,b\n1,2\n", "a CSV file"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "a CSV file"),
    ],
)
def test_a_format_is_told_by_what_is_in_a_file(tmp_path, content, name):
    path = tmp_path / "cat.dat"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert format_of(path).name == name


def test_an_empty_file_is_said_to_be_so(tmp_path):
    (tmp_path / "cat.dat").touch()
    assert describe_here((tmp_path / "cat.dat", "")).message == f"{tmp_path}/cat.dat: is empty"


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
