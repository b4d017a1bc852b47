"""The two files of a table: ECSV, which has the units in its head, and CSV with the same rows."""

from csv import writer
from io import StringIO
from typing import Any

import numpy as np

from reportgen.analyses.results import Table, TableColumn


def write_table(table: Table) -> dict[str, bytes]:
    """Return a table as ECSV and as CSV; what is missing, NaN or infinite is empty in both."""
    from astropy.table import Table as AstropyTable

    columns = [_column(column) for column in table.columns]
    head, rows = StringIO(), StringIO()
    # The head alone by astropy: for rows it takes ten times as long as csv, and writes the same.
    empty = AstropyTable([column[:0] for column in columns], meta={"title": table.title})
    empty.write(head, format="ascii.ecsv", delimiter=",")
    texts = zip(*map(_texts, table.columns, columns), strict=True)
    writer(rows, lineterminator="\n").writerows(texts)
    names = [f"{c.name} [{c.unit}]" if c.unit else c.name for c in table.columns]
    return {
        "ecsv": (head.getvalue() + rows.getvalue()).encode(),
        "csv": (_line(names) + rows.getvalue()).encode(),
    }


def _line(texts: list[str]) -> str:
    line = StringIO()
    writer(line, lineterminator="\n").writerow(texts)
    return line.getvalue()


def _column(column: TableColumn) -> Any:
    """Return a column of astropy, masked only where it must be: that takes ten times as long."""
    from astropy.table import Column, MaskedColumn
    from astropy.units import Unit

    values = np.ma.asarray(column.values)
    options: dict[str, Any] = {"name": column.name, "description": column.description or None}
    if column.unit:
        options["unit"] = Unit(column.unit, parse_strict="silent")
    if values.dtype.kind == "O":
        values = np.ma.asarray(values.astype(np.float64 if column.is_numeric else str))
    if values.dtype.kind == "f":
        values = np.ma.masked_invalid(values)
    return MaskedColumn(values, **options) if values.mask.any() else Column(values.data, **options)


def _texts(column: TableColumn, made: Any) -> list[str]:
    """Return values as text, each with the digits of its type, and nothing where it is missing.

    made: the column of astropy.
    """
    texts = np.asarray(column.values).astype(str).astype(object)
    texts[np.ma.getmaskarray(made)] = ""
    return list(texts)
