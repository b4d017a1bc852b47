"""What computed a run: versions of packages, and the commit of the configuration."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from reportgen.summary import EnvironmentRecord

PACKAGES = ("reportgen", "numpy", "scipy", "h5py", "astropy", "matplotlib", "jinja2", "weasyprint")
GIT_SECONDS = 10.0


def environment(folder: Path) -> EnvironmentRecord:
    """Give versions, and the git commit of the repository that holds a folder."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    commit = _git(folder, "rev-parse", "HEAD")
    clean = None if commit is None else _git(folder, "status", "--porcelain") == ""
    return EnvironmentRecord(versions=versions, commit=commit or "", clean=clean)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
