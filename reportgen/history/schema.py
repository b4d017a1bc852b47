"""Tables of the history, as this version of reportgen makes them.

Whoever changes a table raises VERSION of rows.py, and writes the step from the former one in
migrations.py.
New columns come last, as a migration adds them.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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
)

from reportgen.history import rows

METADATA = MetaData()

SCHEMA = Table("reportgen_schema", METADATA, Column("version", Integer, primary_key=True))

# MySQL wants a length for whatever is in an index; ids have at most 100 characters.
_ID = String(100)
_STATUS = String(8)

RUNS = Table(
    rows.RUNS,
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
    Index("reportgen_runs_by_night", "report", "night"),
)


def _of_run() -> Column[int]:
    return Column(
        "run_id", Integer, ForeignKey("reportgen_runs.id", ondelete="CASCADE"), primary_key=True
    )


SECTIONS = Table(
    rows.SECTIONS,
    METADATA,
    _of_run(),
    Column("section", _ID, primary_key=True),
    Column("status", _STATUS, nullable=False),
    Column("seconds", Double),
    Column("title", Text),  # since version 2
    Column("rows_used", BigInteger),  # since version 3; rows is a word of SQL
    sqlite_with_rowid=False,
)

METRICS = Table(
    rows.METRICS,
    METADATA,
    _of_run(),
    Column("section", _ID, primary_key=True),
    Column("name", _ID, primary_key=True),
    Column("label", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("value", Double),
    Column("verdict", _STATUS),
    Column("digits", Integer),  # since version 2
    sqlite_with_rowid=False,
)

CHECKS = Table(  # since version 3
    rows.CHECKS,
    METADATA,
    _of_run(),
    Column("section", _ID, primary_key=True),
    Column("name", _ID, primary_key=True),
    Column("status", _STATUS, nullable=False),
    Column("waived", Boolean, nullable=False),
    Column("in_force", Boolean, nullable=False),
    Column("message", Text, nullable=False),
    sqlite_with_rowid=False,
)

INPUTS = Table(
    rows.INPUTS,
    METADATA,
    _of_run(),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("path", Text, nullable=False),
    Column("sha256", String(64)),
    Column("bytes", BigInteger),
    Column("error", Text, nullable=False),
    sqlite_with_rowid=False,
)

DATASETS = Table(
    rows.DATASETS,
    METADATA,
    _of_run(),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

VERSIONS = Table(
    rows.VERSIONS,
    METADATA,
    _of_run(),
    Column("name", _ID, primary_key=True),
    Column("version", Text, nullable=False),
    sqlite_with_rowid=False,
)
