"""The two files of a table: ECSV, which has the units in its head, and CSV with the same rows."""

import re
from collections.abc import Callable, Iterable
from io import StringIO
from typing import Any

import numpy as np

from reportgen.analyses.results import Table, TableColumn
from reportgen.wording import printable_line

# What a spreadsheet would work out, the wide forms of these signs too; an apostrophe in front makes
# it text (OWASP, CSV injection). A text that has such apostrophes already gets one more.
_FORMULA = re.compile("'*[=+\\-@\uff1d\uff0b\uff0d\uff20]")
# A line that begins with # is a comment of ECSV.
_QUOTED = re.compile(r'[",]|^[#\s]|\s$')


def write_table(table: Table) -> dict[str, bytes]:
    """Return a table as ECSV and as CSV; what is missing, NaN or infinite is empty in both.

    Each row is a line: line breaks and what cannot be shown are written as Python escapes them. In
    the CSV a text that a spreadsheet would take for a formula has an apostrophe in front.
    """
    from astropy.table import Table as AstropyTable

    columns = [_column(column) for column in table.columns]
    head = StringIO()
    # The head alone by astropy: for rows it takes ten times as long, and loses those with #.
    empty = AstropyTable([column[:0] for column in columns], meta={"title": table.title})
    empty.write(head, format="ascii.ecsv", delimiter=",")
    names = [f"{c.name} [{c.unit}]" if c.unit else c.name for c in table.columns]
    return {
        "ecsv": (head.getvalue() + _lines(table.columns, columns, _quoted)).encode(),
        "csv": (_line(map(_guarded, names)) + _lines(table.columns, columns, _guarded)).encode(),
    }


def unguarded(text: str) -> str:
    """Return a text of our CSV as it was in the table."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _guarded(text: str) -> str:
    return _quoted(f"'{text}" if _FORMULA.match(text) and not _is_number(text) else text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _quoted(text: str) -> str:
    text = printable_line(text)
    if not _QUOTED.search(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _lines(columns: Iterable[TableColumn], made: Iterable[Any], said: Callable[[str], str]) -> str:
    texts = (_cells(*each, said) for each in zip(columns, made, strict=True))
    return "".join(map(_line, zip(*texts, strict=True)))


def _line(cells: Iterable[str]) -> str:
    return (",".join(cells) or '""') + "\n"  # an empty line would be no row


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


def _cells(column: TableColumn, made: Any, said: Callable[[str], str]) -> list[str]:
    """Return values as text, each with the digits of its type, and nothing where it is missing.

    made: the column of astropy.
    """
    texts = np.asarray(column.values).astype(str).astype(object)
    if np.asarray(made).dtype.kind == "U":
        texts[:] = [said(text) for text in texts]
    texts[np.ma.getmaskarray(made)] = ""
    return list(texts)
