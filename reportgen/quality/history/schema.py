"""Tables of the history, which databases of former versions get what they lack of.

Whoever adds a table or a column raises VERSION. New columns come last and may be null, as they are
in databases that get them later.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from reportgen.quality.history.database import LATER
from reportgen.quality.history.records import HistoryError

VERSION = 5
METADATA = MetaData()

SCHEMA = Table("reportgen_schema", METADATA, Column("version", Integer, primary_key=True))

# MySQL wants a length for whatever is in an index; ids have at most 100 characters.
_ID = String(100)
_STATUS = String(8)

RUNS = Table(
    "reportgen_runs",
    METADATA,
    Column("id", Integer, primary_key=True),
    # SHA-256 of report, run and origin: paths may be longer than what some databases index.
    Column("identity", String(64), nullable=False, unique=True),
    Column("report", _ID, nullable=False),
    Column("run", _ID, nullable=False),
    Column("origin", Text, nullable=False),
    Column("night", Date, nullable=False),
    Column("started", DateTime, nullable=False),
    Column("status", _STATUS, nullable=False),
    Column("seconds", Double),
    Column("partial", Boolean, nullable=False),
    Column("configuration", String(64), nullable=False),
    Column("git_commit", String(64), nullable=False),
    # Since version 4.
    Column("verdict", Text),
    Column("synthetic", Boolean),
    Column("documents", JSON),
    Column("stamp", Text),
    Index("reportgen_runs_by_night", "report", "night"),
)


def _part(name: str, *columns: Column[object]) -> Table:
    """Return a table whose rows belong to a run, and go with it."""
    run = ForeignKey("reportgen_runs.id", ondelete="CASCADE")
    key = Column("run_id", Integer, run, primary_key=True)
    return Table(name, METADATA, key, *columns, sqlite_with_rowid=False)


SECTIONS = _part(
    "reportgen_sections",
    Column("section", _ID, primary_key=True),
    Column("status", _STATUS, nullable=False),
    Column("seconds", Double),
    Column("title", Text),  # since version 2
    Column("rows_used", BigInteger),  # since version 3; rows is a word of SQL
)
METRICS = _part(
    "reportgen_metrics",
    Column("section", _ID, primary_key=True),
    Column("name", _ID, primary_key=True),
    Column("label", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("value", Double),
    Column("verdict", _STATUS),
    Column("digits", Integer),  # since version 2
)
CHECKS = _part(  # since version 3
    "reportgen_checks",
    Column("section", _ID, primary_key=True),
    Column("name", _ID, primary_key=True),
    Column("status", _STATUS, nullable=False),
    Column("waived", Boolean, nullable=False),
    Column("in_force", Boolean, nullable=False),
    Column("message", Text, nullable=False),
    Column("value", Double),  # since version 5
)
INPUTS = _part(
    "reportgen_inputs",
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("path", Text, nullable=False),
    Column("sha256", String(64)),
    Column("bytes", BigInteger),
    Column("error", Text, nullable=False),
)
DATASETS = _part(
    "reportgen_datasets",
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
)
VERSIONS = _part(
    "reportgen_versions",
    Column("name", _ID, primary_key=True),
    Column("version", Text, nullable=False),
)


def schema_version(connection: Connection, shown: str) -> int | None:
    """Return the version of a database, None when it holds no history yet.

    Raises HistoryError when this version of reportgen does not know it.
    """
    if not inspect(connection).has_table(SCHEMA.name):
        return None
    try:
        found = connection.execute(select(SCHEMA.c.version)).scalar_one()
    except (NoResultFound, MultipleResultsFound):
        found = 0
    if not isinstance(found, int) or found < 1:
        raise HistoryError(
            f"history {shown} does not say which version it has",
            f"its table {SCHEMA.name} should hold one number; give another database",
        )
    if found > VERSION:
        raise HistoryError(
            f"history {shown} was made by a newer reportgen: it has version {found}, and this "
            f"reportgen knows versions up to {VERSION}",
            f"update reportgen; {LATER}",
        )
    return found


def make_current(connection: Connection, shown: str) -> None:
    """Make the tables, or bring them to this version; the caller's transaction holds it all."""
    found = schema_version(connection, shown)
    if found == VERSION:
        return
    METADATA.create_all(connection)
    for table in METADATA.sorted_tables:
        there = {column["name"] for column in inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                kind = column.type.compile(connection.dialect)
                added = f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"
                connection.execute(text(added))
    connection.execute(SCHEMA.delete())
    connection.execute(SCHEMA.insert(), {"version": VERSION})
