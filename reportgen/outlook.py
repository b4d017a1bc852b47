"""What a build will probably make, by a look at its configuration before that is validated.

Processes that will be needed can so be started at once. A wrong guess costs time, nothing else.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reportgen.config.matrix import MATRIX
from reportgen.config.text import Document
from reportgen.store import FOLDER

_FILES = "file", "architecture"  # keys of sources whose values are paths
_ANEW = {"trend"}  # analyses whose sections are made on every new night
_FORMATS = "html", "pdf"  # unless the configuration says which


@dataclass(frozen=True)
class Outlook:
    """What will probably be made. analyses: of the sections, when any must be made.

    export: of a network, by TensorFlow. pdf: of the report.
    """

    analyses: tuple[str, ...] = ()
    export: bool = False
    pdf: bool = False


def look_ahead(
    document: Document,
    output: Path | None = None,
    only: Collection[str] = (),
    *,
    anew: bool = False,
) -> Outlook:
    """Say what a build will probably make, but for a matrix, whose reports have processes.

    output: folder of the runs, in place of the YAML's. only: sections to build, all if empty.
    anew: whatever earlier nights left.
    """
    values, beside = document.values, document.path.parent
    if MATRIX in values:
        return Outlook()
    formats = _block(values, "output").get("formats", _FORMATS)
    pdf = isinstance(formats, list | tuple) and "pdf" in formats
    wanted = [each for name, each in _block(values, "sections").items() if not only or name in only]
    sections = [section for section in wanted if isinstance(section, dict)]
    analyses = {str(section.get("analysis")) for section in sections}
    folder = output or _folder(values, beside)
    last = None if anew or not (folder / FOLDER).is_dir() else _time(folder / "latest")
    edited = last is None or _is_newer([document.path], last)
    new = {
        kind: last is None or _is_newer(_paths(values.get(kind), beside), last)
        for kind in ("catalogues", "images", "models")
    }
    if not (edited or any(new.values()) or analyses & _ANEW):
        return Outlook(pdf=pdf)
    has_networks = any("model" in section for section in sections)
    return Outlook(
        tuple(sorted(analyses)),
        export=has_networks and new["models"],
        pdf=pdf,
    )


def _folder(values: Mapping[str, object], beside: Path) -> Path:
    """Give the folder of the runs."""
    given = _block(values, "output").get("folder")
    if given is None:
        return beside / "build" / str(_block(values, "report").get("id"))
    return _path(str(given), beside)


def _paths(value: object, beside: Path) -> Iterator[Path]:
    """Give the files that sources are in."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key in _FILES and isinstance(below, str):
                yield _path(below, beside)
            yield from _paths(below, beside)


def _path(text: str, beside: Path) -> Path:
    return beside / os.path.expanduser(text)  # noqa: PTH111 - which raises nothing


def _is_newer(paths: Iterable[Path], last: float) -> bool:
    """Whether any file was written, or put in its place, after a time; or is not there."""
    times = map(_time, dict.fromkeys(paths))
    return any(time is None or time > last for time in times)


def _time(path: Path) -> float | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return max(found.st_mtime, found.st_ctime)


def _block(values: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}
