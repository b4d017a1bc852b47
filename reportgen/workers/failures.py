"""How a task of a worker ended, and why it gave no value."""

import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from reportgen import errors
from reportgen.errors import ConfigError, ReportgenError, SourceError

if TYPE_CHECKING:
    from reportgen.record import ErrorKind, ErrorRecord

LONGEST_MESSAGE = 2_000  # characters; what an exception says is shown on the first page

_KINDS: "dict[type, ErrorKind]" = {SourceError: "source", ConfigError: "config"}


@dataclass(frozen=True)
class Failed:
    """Why a task gave no value.

    kind: it raised (``error``), ran too long (``timeout``), used too much memory (``memory``), or
    its process was killed or ended (``died``). details: traceback. error: what it raised, if it is
    an error of reportgen.
    """

    kind: Literal["error", "timeout", "memory", "died"]
    message: str
    details: str = ""
    error: ReportgenError | None = None
    hint: str = ""


@dataclass(frozen=True)
class Ended:
    """How a task ended. printed: what it wrote to its standard output and error."""

    value: Any = None
    failed: Failed | None = None
    printed: str = ""


def error_record(failed: Failed, printed: str = "", command: str = "") -> "ErrorRecord":
    """Put a failure into words for the record.

    printed: what its process wrote last. command: what makes it alone.
    """
    from reportgen.record import ErrorRecord  # which a worker need not import to begin

    said = f"It printed:\n{printed}" if printed else ""
    return ErrorRecord(
        kind=_KINDS.get(type(failed.error), failed.kind),
        message=failed.message,
        hint=failed.hint if failed.error is None else failed.error.hint,
        command=command,
        details="\n".join(part for part in (failed.details, said) if part),
    )


def failure(error: BaseException) -> Failed:
    """Describe an exception without keeping it: a plugin's may not even survive pickling."""
    known = _known(error)
    if known is not None:
        return Failed("error", known.message, error=known)
    try:
        details = "".join(traceback.format_exception(error))
    except Exception as broken:  # an exception that cannot describe itself
        details = f"(no traceback: {type(broken).__name__})"
    return Failed("error", message_of(error), details)


def message_of(error: BaseException) -> str:
    """Return the class of an exception and what it says."""
    try:
        said = str(error)
    except Exception:  # a plugin's exception may raise when it is asked
        said = "(an exception that cannot say what is wrong)"
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…"


def _known(error: BaseException) -> ReportgenError | None:
    if not isinstance(error, ReportgenError):
        return None
    kinds = (kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
    kind: type[ReportgenError] = next(kinds, ReportgenError)
    return kind(str(error.message), str(error.hint))


def attempt(work: Callable[..., Any], *arguments: Any) -> Ended:
    """Do some work in this process, and give how it ended as if it had been another."""
    try:
        return Ended(work(*arguments))
    except Exception as error:
        return Ended(failed=failure(error))


def killed_by(number: int) -> str:
    """Return how a process ended that a signal killed."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"was killed by {name}{' (out of memory?)' if number == signal.SIGKILL else ''}"
