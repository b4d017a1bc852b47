"""Reads cells of the tables of a run folder."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.checks.facts import CellReader, Row
from reportgen.checks.words import counted
from reportgen.summary import TableRecord


def cell_reader(run: Path) -> CellReader:
    """Give what reads the number in a cell of a run folder; each table is read once."""

    @cache
    def table(file: str) -> Any:
        from astropy.table import Table

        try:
            return Table.read(run / file, format="ascii.ecsv", encoding="utf-8")
        except Exception as error:  # whatever astropy makes of a damaged file
            raise ValueError(f"{run / file} cannot be read: {error}") from None

    def read(record: TableRecord, row: Row, column: str) -> float:
        found = table(record.files["ecsv"])
        for name in (column, *(() if isinstance(row, int) else row)):
            if name not in found.colnames:
                raise ValueError(f"the file of the table {record.id} has no column {name}")
        value = np.ma.asarray(found[column])[_place(found, record, row)]
        if np.ma.is_masked(value):
            return float("nan")
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{str(value)!r} is no number") from None

    return read


def _place(table: Any, record: TableRecord, row: Row) -> int:
    if isinstance(row, int):
        if row >= len(table):
            raise LookupError(f"the table {record.id} has only {counted(len(table), 'row')}")
        return row
    fitting = np.ones(len(table), dtype=bool)
    for name, wanted in row.items():
        fitting &= _equal(np.ma.asarray(table[name]), wanted)
    places = np.flatnonzero(fitting)
    if not len(places):
        raise LookupError(f"the table {record.id} has no such row")
    if len(places) > 1:
        raise ValueError(f"{len(places)} rows of the table {record.id} are so")
    return int(places[0])


def _equal(values: Any, wanted: str | int | float) -> Any:
    """Give which values are equal to one; a missing value is equal to none."""
    if values.dtype.kind in "iufb":
        try:
            wanted = float(wanted)
        except ValueError:
            return np.zeros(len(values), dtype=bool)
        return np.asarray((values == wanted).filled(False))
    return np.array(
        [
            not missing and str(value) == str(wanted)
            for value, missing in zip(values.data, np.ma.getmaskarray(values), strict=True)
        ],
        dtype=bool,
    )
