"""What computed a run: versions of packages, and the commit of the configuration."""

import os
import platform
import subprocess
from pathlib import Path

from reportgen.record import EnvironmentRecord
from reportgen.versions import installed_version

PACKAGES = (
    "reportgen",
    "numpy",
    "scipy",
    "h5py",
    "astropy",
    "matplotlib",
    "jinja2",
    "weasyprint",
)
FOR_NETWORKS = {
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "ai-edge-litert": ("ai-edge-litert",),
}
GIT_SECONDS = 10.0


def environment(configuration: Path, *, networks: bool) -> EnvironmentRecord:
    """Return versions, and the git commit of the repository that holds a configuration.

    networks: whether it runs any; then what runs them counts, too, as far as it is installed.
    The tree is clean when no file that git follows has changed and it follows the configuration.
    """
    versions = {"python": platform.python_version()}
    versions |= {package: installed_version(package) or "not installed" for package in PACKAGES}
    if networks:
        for name, packages in FOR_NETWORKS.items():
            if found := next(filter(None, map(installed_version, packages)), None):
                versions[name] = found
    folder = configuration.parent
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return EnvironmentRecord(versions=versions)
    unchanged = _git(folder, "status", "--porcelain", "--untracked-files=no") == ""
    followed = _git(folder, "ls-files", "--error-unmatch", configuration.name) is not None
    return EnvironmentRecord(versions=versions, commit=commit, clean=unchanged and followed)


def _git(folder: Path, *arguments: str) -> str | None:
    # A git hook that builds a report points git at its own repository, not at this one.
    variables = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "--no-optional-locks", "-C", str(folder), *arguments],  # noqa: S607 - whichever git the user has
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=variables,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
