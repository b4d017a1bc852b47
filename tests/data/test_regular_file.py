import os
import socket

import pytest

from reportgen.data.regular_file import require_regular
from reportgen.errors import SourceError


def refusal(path):
    with pytest.raises(SourceError) as caught:
        require_regular(path, f"a.yaml:1:1: file: {path}", "an HDF5 file", "*.h5")
    assert caught.value.message.startswith(f"a.yaml:1:1: file: {path}: ")
    return caught.value.message.removeprefix(f"a.yaml:1:1: file: {path}: "), caught.value.hint


def test_a_regular_file_is_taken_through_links_too(tmp_path):
    (tmp_path / "stars.h5").write_bytes(b"")
    (tmp_path / "link.h5").symlink_to("stars.h5")
    for name in ("stars.h5", "link.h5"):
        require_regular(tmp_path / name, name, "an HDF5 file", "*.h5")


def test_pipes_devices_sockets_and_links_to_them_are_refused_without_opening_them(
    tmp_path, monkeypatch
):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    monkeypatch.chdir(tmp_path)  # addresses of sockets are short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        said = {name: refusal(tmp_path / name) for name in ("pipe", "link", "zero", "socket")}
    hint = "name a regular file"
    assert said == {
        "pipe": ("is a named pipe, not an HDF5 file", hint),
        "link": ("is a link to a named pipe, not an HDF5 file", hint),
        "zero": ("is a link to a device, not an HDF5 file", hint),
        "socket": ("is a socket, not an HDF5 file", hint),
    }


def test_what_is_not_there_is_said_with_the_files_that_are(tmp_path):
    (tmp_path / "stars.h5").write_bytes(b"")
    missing = "there is no such file"
    assert refusal(tmp_path / "star.h5") == (missing, f"HDF5 files in {tmp_path}: stars.h5")
    assert refusal(tmp_path / "none" / "star.h5") == (missing, "check the path")
    assert refusal(tmp_path) == ("is a folder, not an HDF5 file", "name the file in it")
    assert refusal(tmp_path / "stars.h5" / "x") == (
        "cannot be read: Not a directory",
        "check the path",
    )
    (tmp_path / "loop").symlink_to("loop")
    assert "symbolic links" in refusal(tmp_path / "loop")[0]
