"""What a check is on: finds its number in a section, and says which name is not known."""

import math
from collections.abc import Iterable, Iterator
from datetime import date

from reportgen.config.checks import CellBlock, CheckBlock
from reportgen.config.problems import KeyPath
from reportgen.config.suggest import unknown
from reportgen.quality.checks.facts import CellReader, Facts, Reference, Row
from reportgen.quality.checks.limits import Impossible, Subject
from reportgen.quality.checks.verdicts import is_broken
from reportgen.record import ColumnRecord, SectionRecord, TableRecord


def unknown_subjects(
    section: SectionRecord, blocks: Iterable[CheckBlock], night: date | None = None
) -> list[tuple[KeyPath, str]]:
    """Return the metrics, tables and columns of checks that a computed section does not have.

    Each with the path of the key within the section, and a message. A section in error has none.
    night: leave out checks that were in force until an earlier night.
    """
    if is_broken(section):
        return []
    return [
        (("checks", place, *path), message)
        for place, block in enumerate(blocks)
        if not (night and block.until and block.until < night)
        for path, message in _unknown(section, block)
    ]


def _unknown(section: SectionRecord, block: CheckBlock) -> Iterator[tuple[KeyPath, str]]:
    if block.metric is not None and block.metric not in section.metrics:
        yield ("metric",), unknown("metric", block.metric, section.metrics)
    elif block.metric is not None:
        try:
            block.in_unit(section.metrics[block.metric].unit)
        except ValueError as error:
            yield ("unit",), str(error)
    if block.rows_at_least is not None and section.rows is None:
        yield ("rows_at_least",), f"the analysis {section.analysis} does not count its rows"
    if block.cell is None:
        return
    table = _table(section, block.cell.table)
    if table is None:
        ids = (each.id for each in section.tables)
        yield ("cell", "table"), unknown("table", block.cell.table, ids)
        return
    names = [column.name for column in table.columns]
    if block.cell.column not in names:
        yield ("cell", "column"), unknown("column", block.cell.column, names)
    elif not _column(table, block.cell.column).numeric:
        yield ("cell", "column"), f"the column {block.cell.column!r} holds no numbers"
    if not isinstance(block.cell.row, int):
        for name in block.cell.row:
            if name not in names:
                yield ("cell", "row", name), unknown("column", name, names)


def subject_of(section: SectionRecord, block: CheckBlock, read_cell: CellReader) -> Subject:
    """Return the number that a check is on; raises Impossible for one that does not exist."""
    for _, message in _unknown(section, block):
        raise Impossible(f"The check cannot be made: {message}.")
    if block.cell is not None:
        return _of_cell(section, block.cell, read_cell)
    metric = section.metrics[block.metric or ""]
    value = metric.value if metric.value is not None and math.isfinite(metric.value) else None
    return Subject(metric.label, value, metric.unit, metric.digits)


def reference_value(
    name: str, section: SectionRecord, block: CheckBlock, subject: Subject, facts: Facts
) -> float:
    """Return the number that a reference run has; raises Impossible naming the run."""
    found = facts.references.get(name, "it was not read")
    if not isinstance(found, Reference):
        raise Impossible(f"The reference run {name} cannot be read: {found}.")
    said = f"The reference run {name} ({found.summary.run.id})"
    other = next((each for each in found.summary.sections if each.id == section.id), None)
    if other is None:
        raise Impossible(f"{said} has no section {section.id}.")
    if is_broken(other):
        raise Impossible(f"{said} could not compute the section {section.id}.")
    try:
        theirs = subject_of(other, block, found.read_cell)
    except Impossible as problem:
        raise Impossible(f"{said} does not have what is compared. {problem}") from None
    if theirs.value is None:
        raise Impossible(f"{said} has no value for “{subject.label}”.")
    if theirs.unit != subject.unit:
        units = f"{theirs.unit or 'no unit'!r} there and {subject.unit or 'no unit'!r} here"
        raise Impossible(f"{said} has “{subject.label}” in another unit: {units}.")
    return theirs.value


def cell_name(cell: CellBlock) -> str:
    """Return a cell in words: ``median where column is flux_24 (table statistics)``."""
    return f"{cell.column} {row_name(cell.row)} (table {cell.table})"


def row_name(row: Row) -> str:
    """Return a row in words."""
    if isinstance(row, int):
        return f"in row {row}"
    return "where " + " and ".join(f"{name} is {value}" for name, value in row.items())


def _of_cell(section: SectionRecord, cell: CellBlock, read_cell: CellReader) -> Subject:
    table = _table(section, cell.table)
    assert table is not None  # noqa: S101 - what is unknown was said before
    column, label = _column(table, cell.column), cell_name(cell)
    why = ""
    try:
        value: float | None = read_cell(table, cell.row, cell.column)
    except LookupError as error:
        value, why = None, f"“{label}” has no value: {error.args[0]}."
    except ValueError as error:
        raise Impossible(f"“{label}” cannot be read: {error}.") from None
    if value is not None and not math.isfinite(value):
        value = None
    digits = column.digits if isinstance(column.digits, int) else None
    return Subject(label, value, column.unit, digits, why)


def _table(section: SectionRecord, name: str) -> TableRecord | None:
    return next((table for table in section.tables if table.id == name), None)


def _column(table: TableRecord, name: str) -> ColumnRecord:
    return next(column for column in table.columns if column.name == name)
