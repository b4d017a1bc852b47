"""WeasyPrint, imported without what takes time and is not needed here.

Imported beforehand by the process that makes a PDF. ImportError or OSError, as WeasyPrint has it,
when it or a library is missing.
"""

import ctypes.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO


@contextmanager
def _by_file_name() -> Iterator[None]:
    """Let libraries be found by the names of their files alone.

    For every other name that WeasyPrint tries, Python would run ldconfig and a compiler.
    """
    before = ctypes.util.find_library
    ctypes.util.find_library = _find_nothing
    try:
        yield
    finally:
        ctypes.util.find_library = before


def _find_nothing(name: str) -> str | None:
    return None


def _import() -> None:
    if sys.platform.startswith("linux"):
        try:
            with _by_file_name(), redirect_stdout(StringIO()):
                import weasyprint.pdf
        except OSError:  # libraries of other names
            for name in [name for name in sys.modules if name.startswith("weasyprint")]:
                del sys.modules[name]
        else:
            return
    import weasyprint.pdf  # noqa: F401


_import()
