"""Where a history is: paths and URLs, how each kind of database is opened, what one refuses."""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from reportgen.quality.history.records import HistoryError

WRITES = "reportgen_writes"
"""Execution option of a connection that will write."""

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
    "SQLITE_IOERR": (
        "cannot be read or written: the disk reports an error",
        f"is it full? {LATER}",
    ),
    "SQLITE_PERM": ("may not be used by you", f"give yourself access; {LATER}"),
}
_EXAMPLES = (
    "give a path, or a URL such as sqlite:////data/nights.sqlite or postgresql://host/nights"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+_]+:")
_PACKAGES = {"MySQLdb": "mysqlclient"}  # of modules whose package has another name
_CONNECT_SECONDS = 10
_WAITS_TO_CONNECT = {"psycopg", "psycopg2", "pymysql", "mysqldb", "mariadbconnector"}


def database_url(where: str | Path) -> URL:
    """Return the URL of a database; a text without a scheme is the path of a SQLite file.

    Raises HistoryError for what is neither.
    """
    if isinstance(where, Path) or not _SCHEME.match(where):
        if not str(where).strip():
            raise HistoryError("the history has no place: its path is empty", _EXAMPLES)
        path = Path(where).expanduser().absolute()
        return URL.create("sqlite", database=str(path))
    scheme = where.partition(":")[0]  # the rest may hold a password anywhere
    try:
        url = make_url(where)
        url.get_dialect()
    except NoSuchModuleError:
        said = f"history {scheme}:… is of a kind that is not known: {scheme}"
        raise HistoryError(said, _EXAMPLES) from None
    except (ArgumentError, ValueError):
        raise HistoryError(f"history {scheme}:… is not a URL of a database", _EXAMPLES) from None
    if is_sqlite(url) and url.database in (None, "", ":memory:"):
        raise HistoryError("a history in memory would be forgotten at once", _EXAMPLES)
    return url


def shown_url(url: URL) -> str:
    """Return a database as people know it: a path, or a URL without password and options."""
    if is_sqlite(url) and url.database:
        return url.database
    return url.set(query={}).render_as_string(hide_password=True)


def is_sqlite(url: URL) -> bool:
    """Return whether a database is SQLite."""
    return url.get_backend_name() == "sqlite"


def is_absent(url: URL) -> bool:
    """Return whether it is a SQLite file that is not there."""
    path = url.database
    if not is_sqlite(url) or not path or path.startswith("file:"):
        return False
    with suppress(PermissionError):
        return not os.path.lexists(path)
    return False


def require_folder(url: URL, made: Path) -> None:
    """Raise HistoryError unless a SQLite file that is not there could be. made: will be there."""
    folder = Path(url.database or "").absolute().parent
    if folder != made and not os.access(folder, os.W_OK | os.X_OK):
        what, hint = _SQLITE["SQLITE_CANTOPEN"]
        raise HistoryError(f"history {shown_url(url)} {what}", hint)


def make_engine(url: URL, wait_seconds: float) -> Engine:
    """Return the engine of a database; nothing is opened yet.

    Raises HistoryError when its driver is not installed.
    """
    # It would print a traceback when a signal comes just as a connection is closed.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    try:
        if is_sqlite(url):
            engine = create_engine(_as_reader(url), connect_args={"timeout": wait_seconds})
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        waits = url.get_driver_name() in _WAITS_TO_CONNECT and "connect_timeout" not in url.query
        arguments = {"connect_timeout": _CONNECT_SECONDS} if waits else {}
        return create_engine(url, connect_args=arguments)
    except ImportError as error:
        raise HistoryError(
            f"the driver of history {url.drivername}:… is not installed: {error.name}",
            f"pip install {_PACKAGES.get(error.name or '', error.name)}; {LATER}",
        ) from None


def _as_reader(url: URL) -> URL:
    """Return a URL that opens a file which may only be read.

    A reader of a file in WAL mode normally writes beside it (sqlite.org/wal.html#readonly); one
    that cannot must be told that the file does not change, true unless there is a log beside it.
    """
    path = Path(url.database or "")
    if path.name == "" or str(path).startswith("file:") or not path.is_file():
        return url
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return url
    options = {"mode": "ro", "uri": "true"}
    if not path.with_name(f"{path.name}-wal").exists():
        options["immutable"] = "1"
    return url.set(database=f"file:{quote(str(path.absolute()))}", query={**url.query, **options})


def _prepare_sqlite(connection: Any, _: object) -> None:
    # SQLAlchemy's recipe for transactions that hold table definitions too: BEGIN is ours to say.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if not connection.get_execution_options().get(WRITES):
        connection.exec_driver_sql("BEGIN")
        return
    # In WAL mode readers see the last state while somebody writes. It is refused while others
    # have a new file open, and holds for good once one writer succeeded.
    cursor = connection.connection.cursor()
    with suppress(sqlite3.Error):
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.close()
    # At once, not at the first change: two that had read could never both go on to write.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def database_errors(url: URL) -> Iterator[None]:
    """Turn what a database refuses into a HistoryError that names it and says what to do."""
    try:
        yield
    except DBAPIError as error:
        what, hint = _explain(error)
        raise HistoryError(f"history {shown_url(url)} {_scrubbed(what, url)}", hint) from None
    except SQLAlchemyError as error:
        what = _scrubbed(str(error).splitlines()[0], url)
        raise HistoryError(f"history {shown_url(url)} cannot be used: {what}", LATER) from None


def _explain(error: DBAPIError) -> tuple[str, str]:
    code = str(getattr(error.orig, "sqlite_errorname", ""))
    for beginning, explained in _SQLITE.items():
        if code.startswith(beginning):
            return explained
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return f"cannot be used: {lines[0] if lines else type(error.orig).__name__}", LATER


def _scrubbed(text: str, url: URL) -> str:
    """Return a driver's words without the password, which some repeat."""
    return text.replace(url.password, "***") if url.password else text
