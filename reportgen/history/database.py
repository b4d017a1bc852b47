"""Where a history is: paths and URLs, and how each kind of database is opened."""

import os
import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from reportgen.history.errors import LATER, HistoryError

WRITES = "reportgen_writes"
"""Execution option of a connection that will write."""

_SNAPSHOT = {"isolation_level": "REPEATABLE READ"}

_EXAMPLES = (
    "give a path, or a URL such as sqlite:////data/nights.sqlite or postgresql://host/nights"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+_]+:")
_PACKAGES = {"MySQLdb": "mysqlclient"}  # of modules whose package has another name
_CONNECT_SECONDS = 10
_WAITS_TO_CONNECT = {"psycopg", "psycopg2", "pymysql", "mysqldb", "mariadbconnector"}


def database_url(where: str | Path) -> URL:
    """Give the URL of a database; a text without a scheme is the path of a SQLite file.

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
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise HistoryError("a history in memory would be forgotten at once", _EXAMPLES)
    return url


def make_engine(url: URL, wait_seconds: float) -> Engine:
    """Give the engine of a database; nothing is opened yet.

    Raises HistoryError when its driver is not installed.
    """
    try:
        if url.get_backend_name() == "sqlite":
            return _sqlite_engine(url, wait_seconds)
        waits = url.get_driver_name() in _WAITS_TO_CONNECT and "connect_timeout" not in url.query
        arguments = {"connect_timeout": _CONNECT_SECONDS} if waits else {}
        return create_engine(url, connect_args=arguments)
    except ImportError as error:
        raise HistoryError(
            f"the driver of history {url.drivername}:… is not installed: {error.name}",
            f"pip install {_PACKAGES.get(error.name or '', error.name)}; {LATER}",
        ) from None


def copy_in_memory(engine: Engine) -> Engine:
    """Give a copy of a SQLite database that is forgotten when the engine is disposed of."""
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    with closing(engine.raw_connection()) as connection:
        connection.driver_connection.backup(memory)  # type: ignore[union-attr]
    copied = create_engine("sqlite://", creator=lambda: memory, poolclass=StaticPool)
    event.listen(copied, "connect", _prepare_sqlite)
    event.listen(copied, "begin", _begin_sqlite)
    return copied


def reading_options(url: URL) -> dict[str, Any]:
    """Give the execution options with which several queries see one state; SQLite always does."""
    return {} if url.get_backend_name() == "sqlite" else _SNAPSHOT


def is_absent(url: URL) -> bool:
    """Say whether it is a SQLite file that is not there."""
    path = url.database
    if url.get_backend_name() != "sqlite" or not path or path.startswith("file:"):
        return False
    with suppress(PermissionError):
        return not os.path.lexists(path)
    return False


def _sqlite_engine(url: URL, wait_seconds: float) -> Engine:
    arguments: dict[str, Any] = {"timeout": wait_seconds}
    engine = create_engine(_as_reader(url), connect_args=arguments)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _as_reader(url: URL) -> URL:
    """Give a URL that opens a file which may only be read.

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
