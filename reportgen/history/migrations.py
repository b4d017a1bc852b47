"""Databases of former versions, brought to this one step by step in one transaction."""

from collections.abc import Callable, Mapping

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from reportgen.history.errors import LATER, HistoryError
from reportgen.history.rows import VERSION
from reportgen.history.schema import METADATA, SCHEMA


def schema_version(connection: Connection, shown: str) -> int | None:
    """Give the version of a database, None when it holds no history yet.

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
    if found is None:
        METADATA.create_all(connection)
        connection.execute(SCHEMA.insert(), {"version": VERSION})
        return
    for version in range(found, VERSION):
        STEPS[version](connection)
        connection.execute(update(SCHEMA).values(version=version + 1))


def _name_sections_and_digits(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE reportgen_sections ADD COLUMN title TEXT"))
    connection.execute(text("ALTER TABLE reportgen_metrics ADD COLUMN digits INTEGER"))


def _count_rows_and_keep_checks(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE reportgen_sections ADD COLUMN rows_used BIGINT"))
    # Not the table of schema.py, which a later version may change.
    metadata = MetaData()
    Table("reportgen_runs", metadata, Column("id", Integer, primary_key=True))
    run = ForeignKey("reportgen_runs.id", ondelete="CASCADE")
    checks = Table(
        "reportgen_checks",
        metadata,
        Column("run_id", Integer, run, primary_key=True),
        Column("section", String(100), primary_key=True),
        Column("name", String(100), primary_key=True),
        Column("status", String(8), nullable=False),
        Column("waived", Boolean, nullable=False),
        Column("in_force", Boolean, nullable=False),
        Column("message", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    checks.create(connection)


STEPS: Mapping[int, Callable[[Connection], None]] = {
    1: _name_sections_and_digits,
    2: _count_rows_and_keep_checks,
}
"""From which version a step goes to the next one. A step never changes once it was released."""
