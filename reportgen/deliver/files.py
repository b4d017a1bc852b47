"""Reads files of a run folder, and no others: what is mailed leaves the house."""

from pathlib import Path


def read_own(run: Path, name: str) -> bytes:
    """Give the content of a file of a run folder.

    Raises OSError, also for what lies elsewhere, through a link or not, and for what is no file.
    """
    root, path = run.resolve(), (run / name).resolve()
    if not path.is_relative_to(root):
        raise PermissionError(1, "it is not in the run folder", name)
    if not path.is_file():  # a pipe would keep us waiting
        raise FileNotFoundError(2, "it is not there, or no file", name)
    return path.read_bytes()
