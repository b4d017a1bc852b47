"""Templates of a user, read from their folder alone and filled in within bounds.

A run folder from elsewhere may name such a folder. So its templates read no other file, call
nothing of Python's that does more than show a value, and may take limited time and memory.
"""

import os
import resource
import signal
import stat
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import psutil
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel

from reportgen.errors import ConfigError, ReportgenError
from reportgen.wording import bytes_text
from reportgen.workers.alone import run_alone
from reportgen.workers.failures import Failed

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.runtime import Context

SECONDS = 30.0  # that a page may take; ours take less than one
MEMORY = 10**9  # bytes that a page may need
MOST_BYTES = 1_000_000  # of a template
MOST_PAGE = 10**8  # characters of a page
MOST_BITS = 2000  # of an integer
_SPARE = 5.0  # seconds in which a process says that its time is over

MakeEnvironment = Callable[[str], "Environment"]


class GuardedEnvironment(SandboxedEnvironment):
    """Templates see what ours see, but call nothing of Python's that could do more than show it."""

    intercepted_binops = frozenset(("*", "**"))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Return whether a template may have an attribute."""
        kind = obj if isinstance(obj, type) else type(obj)
        if issubclass(kind, BaseModel):  # its methods read files, and even pickles
            return attr in kind.model_fields or isinstance(getattr(kind, attr, None), property)
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: "Context", operator: str, left: Any, right: Any) -> Any:
        """Return a product or a power, unless Python would count for hours."""
        if isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length()
            many = bits * abs(right) if operator == "**" else bits + right.bit_length()
            if many > MOST_BITS:
                raise OverflowError(f"{operator} gives a number of thousands of digits")
        return super().call_binop(context, operator, left, right)


def own_template(own: str, name: str) -> tuple[str, str, Callable[[], bool]] | None:
    """Return the text and the file of a template of a user's folder; None where it has none.

    Raises ConfigError for what lies outside the folder, links followed, and for what is no text.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or any(part.startswith(".") for part in parts):
        return None
    path = Path(own, *parts)
    named = f"output.templates: {path}"
    try:
        root, file = Path(own).resolve(strict=True), path.resolve(strict=True)
        if not file.is_relative_to(root):
            said = "is a link that leads out of the folder of templates"
            raise ConfigError(f"{named}: {said}", "put a copy of the file there")
        # A pipe or a device would keep us waiting.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise ConfigError(f"{named}: is not a regular file")
            content = opened.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ConfigError(f"{named}: is larger than {bytes_text(MOST_BYTES)}")
        return content.decode("utf-8"), str(path), lambda: True
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{named}: cannot be read: {said}") from None


def require_folder(own: str) -> None:
    """Raise ConfigError unless a user's templates have a folder that not everybody can write to."""
    try:
        mode = Path(own).stat().st_mode
    except (OSError, ValueError):
        mode = 0
    if not stat.S_ISDIR(mode):
        said = f"output.templates: there is no folder {own}"
        raise ConfigError(said, "create it, or leave the key out")
    if mode & stat.S_IWOTH:
        said = f"output.templates: everybody can write to the folder {own}"
        raise ConfigError(said, "chmod o-w it, or keep the templates elsewhere")


def run_own(
    own: str, names: list[str], make: MakeEnvironment, context: Mapping[str, Any] | None = None
) -> str:
    """Read templates of a user; return the page that the last one makes, if there is a context.

    Raises ConfigError naming file and line.
    """
    ended = run_alone(_run, SECONDS, own, names, make, context, timeout=SECONDS + _SPARE)
    match ended.failed:
        case None:
            return str(ended.value)
        case Failed(error=ReportgenError() as error):
            raise error
        case Failed(kind="error") as failed:
            raise RuntimeError(failed.details or failed.message)
        case failed:
            raise ConfigError(f"output.templates: {own}: a template {failed.message}", _MEND)


def _run(
    seconds: float,
    own: str,
    names: list[str],
    make: MakeEnvironment,
    context: Mapping[str, Any] | None,
) -> str:
    environment, page = make(own), ""
    for name in names:
        with _blaming(own, name), _limited(seconds):
            template = environment.get_template(name)
            page = "" if context is None else template.render(**context)
            if len(page) > MOST_PAGE:
                raise MemoryError
    return page


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Limit the time and the memory of this process, which is a worker, for a while."""

    def end(_number: int, _frame: object) -> None:
        raise TimeoutError(f"it takes longer than {seconds:g} s")

    before = resource.getrlimit(resource.RLIMIT_AS)
    most = psutil.Process().memory_info().vms + MEMORY
    soft = most if before[0] == resource.RLIM_INFINITY else min(most, before[0])
    handler = signal.signal(signal.SIGALRM, end)
    # Again each second, as an exception that is raised while garbage is collected is lost.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    resource.setrlimit(resource.RLIMIT_AS, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


@contextmanager
def _blaming(own: str, name: str) -> Iterator[None]:
    """Turn what a user's template does wrong into a ConfigError. name: of the page."""
    try:
        yield
    except ReportgenError:
        raise
    except Exception as error:
        raise _blamed(error, own, name) or error from None


_MEND = "mend the template, or remove it to use the one of reportgen"


def _blamed(error: Exception, own: str, name: str) -> ConfigError | None:
    """Return the error of a user's template; None when ours are at fault."""
    from jinja2 import TemplateSyntaxError

    if isinstance(error, TemplateSyntaxError):
        places = [(error.filename or error.name or "", error.lineno)]
    else:
        places = [(f.filename, f.lineno or 0) for f in traceback.extract_tb(error.__traceback__)]
    inside = [f"{file}:{line}" for file, line in places if Path(file).is_relative_to(own)]
    if not inside and isinstance(error, RecursionError | MemoryError | TimeoutError):
        inside = [f"{own}: {name}"]  # before anything of the template was run
    if not inside:
        return None
    said = str(error).partition("\n")[0]
    if isinstance(error, MemoryError):
        said = f"it needs more than {bytes_text(MEMORY)}"
    return ConfigError(f"output.templates: {inside[-1]}: {type(error).__name__}: {said}", _MEND)
