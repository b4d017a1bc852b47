"""What this machine has of what reportgen needs."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from reportgen.errors import SectionError
from reportgen.render.pdf import APT_LINE, print_page

__all__ = ["APT_LINE", "Finding", "examine"]

PAGE = "<!DOCTYPE html><html lang='en'><head><title>A page</title></head><body>µJy</body></html>"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. needed: whether reports cannot be made without it."""

    what: str
    fine: bool
    said: str
    remedy: str = ""
    needed: bool = True


class Optional(NamedTuple):
    """A package of an extra. why: it is needed."""

    what: str
    module: str
    name: str
    extra: str
    why: str


OPTIONAL = (
    Optional("pyarrow", "pyarrow", "pyarrow", "parquet", "Parquet, HATS, Feather and CSV need it"),
    Optional("botocore", "botocore", "botocore", "remote", "files at s3://… need it"),
    Optional("Dask", "distributed", "distributed", "dask", "engine: dask needs it"),
    Optional("TensorFlow", "tensorflow", "tensorflow", "cnn", "new sections on CNNs need it"),
    Optional("LiteRT", "ai_edge_litert", "ai-edge-litert", "cnn", "sections on CNNs need it"),
)


def examine() -> list[Finding]:
    """Look at the PDF libraries, the fonts, the templates, the analyses and the extras."""
    return [_pdf(), _fonts(), _templates(), _analyses(), *map(_optional, OPTIONAL)]


def _pdf() -> Finding:
    try:
        print_page(PAGE, Path.cwd(), datetime.now(UTC))
    except SectionError as error:
        return Finding("PDF", fine=False, said=error.message, remedy=error.hint)
    return Finding("PDF", fine=True, said=f"WeasyPrint {version('weasyprint')} prints")


def _fonts() -> Finding:
    from reportgen.style import FONT_FILES, font_path

    missing = [name for name in FONT_FILES.values() if not font_path(name).is_file()]
    if missing:
        said = f"not in the package: {', '.join(missing)}"
        return Finding("fonts", fine=False, said=said, remedy="install reportgen again")
    return Finding("fonts", fine=True, said=f"{len(FONT_FILES)} faces in the package")


def _templates() -> Finding:
    from reportgen.render.environment import templates_folder

    folder = templates_folder()
    fine = (folder / "report.html.j2").is_file()
    remedy = "" if fine else "install reportgen again"
    return Finding("templates", fine=fine, said=str(folder), remedy=remedy)


def _analyses() -> Finding:
    from reportgen.analyses.base import installed_analyses

    registry = installed_analyses()
    said = ", ".join(sorted(registry.types)) or "none are announced"
    if registry.broken:
        said = f"{said}; {'; '.join(registry.broken.values())}"
        return Finding("analyses", fine=False, said=said, remedy="mend or remove the plugin")
    remedy = "" if registry.types else "install reportgen again"
    return Finding("analyses", fine=bool(registry.types), said=said, remedy=remedy)


def _optional(package: Optional) -> Finding:
    # Looking it up costs nothing; importing it would cost seconds.
    if find_spec(package.module) is None:
        said, remedy = f"not installed; {package.why}", f"pip install 'reportgen[{package.extra}]'"
        return Finding(package.what, fine=False, said=said, remedy=remedy, needed=False)
    said = "of unknown version"
    for name in (f"{package.name}-cpu", package.name):
        with suppress(PackageNotFoundError):
            said = version(name)
    return Finding(package.what, fine=True, said=said, needed=False)
