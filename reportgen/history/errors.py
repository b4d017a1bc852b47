"""What can go wrong with a database, for people: which one, what is wrong, what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reportgen.errors import PublishError

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.exc import DBAPIError

LATER = "no report is lost: `reportgen history import RUN` adds a run later, from its summary.json"
_AGAIN = (
    "move the file away; `reportgen history import RUN` fills a new one from the summary.json of "
    "each run"
)
_SQLITE = {  # beginning of a result code (sqlite.org/rescode.html): what is wrong, what to do
    "SQLITE_BUSY": ("is locked by another program that is writing", f"try again; {LATER}"),
    "SQLITE_LOCKED": ("is locked by another program that is writing", f"try again; {LATER}"),
    "SQLITE_NOTADB": ("is not a SQLite database, or is damaged", _AGAIN),
    "SQLITE_CORRUPT": ("is damaged", _AGAIN),
    "SQLITE_READONLY": ("is read-only here", f"give yourself write access; {LATER}"),
    "SQLITE_CANTOPEN": (
        "cannot be opened",
        f"give a file in a folder that exists and that you may write to; {LATER}",
    ),
    "SQLITE_FULL": ("cannot be written: the disk is full", f"free some space; {LATER}"),
    "SQLITE_IOERR": ("cannot be read or written: the disk reports an error", LATER),
    "SQLITE_PERM": ("may not be used by you", f"give yourself access; {LATER}"),
}


class HistoryError(PublishError):
    """The history could not be read or written; the report itself stands."""


def shown_url(url: "URL") -> str:
    """Give a database as people know it: a path, or a URL without password and options."""
    if url.get_backend_name() == "sqlite" and url.database:
        return url.database
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def database_errors(url: "URL") -> Iterator[None]:
    """Turn what a database refuses into a HistoryError that names it."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except DBAPIError as error:
        what, hint = _explain(error)
        raise HistoryError(f"history {shown_url(url)} {_scrubbed(what, url)}", hint) from None
    except SQLAlchemyError as error:
        what = _scrubbed(str(error).splitlines()[0], url)
        raise HistoryError(f"history {shown_url(url)} cannot be used: {what}", LATER) from None


def is_read_only(error: "DBAPIError") -> bool:
    """Say whether a SQLite file refused because it may only be read."""
    return str(getattr(error.orig, "sqlite_errorname", "")).startswith("SQLITE_READONLY")


def _explain(error: "DBAPIError") -> tuple[str, str]:
    code = str(getattr(error.orig, "sqlite_errorname", ""))
    for beginning, explained in _SQLITE.items():
        if code.startswith(beginning):
            return explained
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return f"cannot be used: {lines[0] if lines else type(error.orig).__name__}", LATER


def _scrubbed(text: str, url: "URL") -> str:
    """Give a driver's words without the password, which some repeat."""
    return text.replace(url.password, "***") if url.password else text
