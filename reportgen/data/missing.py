"""What to do when files of sources are not there, said once for all of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from reportgen.config.loader import Report
from reportgen.config.types import absolute_path, listed_paths
from reportgen.config.validation import value_at
from reportgen.errors import ReportgenError
from reportgen.wording import listed

Wrong = TypeVar("Wrong", bound=ReportgenError)
_FITS: tuple[str, ...] = ("components", "infrared", "mosaic", "nz_reference", "radio", "rms")
_FITS += ("scores", "shallow", "spectra", "swire", "truth", "visits")
_OTHERS = ("crowdastro.h5", "training.h5", "weights_10epochs.h5", "my_cnn_weights.h5")
SAMPLE_FILES = frozenset({*(f"{name}.fits" for name in _FITS), *_OTHERS, "cnn_model.json"})
"""What ``reportgen sample`` writes."""
NO_FILE = "there is no such file"


def missing_files_advice(report: Report, files: Iterable[Path]) -> str:
    """Return what to do about those of some files that are not there; empty when all are.

    It names the variables that are not set, which gave their paths by a default, and the sample
    where that would serve.
    """
    missing = [each for file in files for each in listed_paths(file) if not each.exists()]
    folders = dict.fromkeys(file.parent for file in missing)
    unset = [
        name
        for path, names in report.document.unset.items()
        if _is_missing(report, value_at(report.document.values, path), missing)
        for name in names
    ]
    advice = [] if unset or not missing else ["check the path"]
    if unset:
        names = list(dict.fromkeys(unset))
        said = "is not set: set it" if len(names) == 1 else "are not set: set them"
        advice.append(f"{listed(names, len(names))} {said} to where your data are")
    for folder in folders:
        names_there = {file.name for file in missing if file.parent == folder}
        if names_there <= SAMPLE_FILES and not any(folder.glob("*.h5")):
            advice.append(f"for a synthetic survey: reportgen sample {folder}")
    return "; ".join(advice)


def with_advice(error: Wrong, advice: str) -> Wrong:
    """Return an error with some advice, if there is any, where it is that files are not there."""
    if advice and all(line.endswith(NO_FILE) for line in error.message.splitlines()):
        return type(error)(error.message, advice)
    return error


def _is_missing(report: Report, value: object, missing: list[Path]) -> bool:
    try:
        return isinstance(value, str) and absolute_path(value, report.path.parent) in missing
    except ValueError:
        return False
