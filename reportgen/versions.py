"""Versions of installed packages, without reading all that these say of themselves."""

from importlib.metadata import PackageNotFoundError, distribution


def installed_version(package: str) -> str | None:
    """Give the version of a package; None when it is not installed.

    ``importlib.metadata.version`` gives the same. It parses the README of the package for that: a
    twentieth of a build of which nothing has changed, for all versions that such a build asks for.
    """
    try:
        found = distribution(package)
    except PackageNotFoundError:
        return None
    head = (found.read_text("METADATA") or "").partition("\n\n")[0]
    told = (line.partition(":") for line in head.splitlines())
    said = next((value.strip() for name, _, value in told if name.lower() == "version"), None)
    return said or found.version
