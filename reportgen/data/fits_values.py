"""FITS: numbers, truth values and texts of what is stored in a table."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.data.fits_columns import Field
from reportgen.errors import SourceError


def converted(field: Field, raw: NDArray[Any], start: int) -> NDArray[Any]:
    """Return the values of a column.

    raw: as they are stored, of rows from start on. Integers stay integers, those that TZERO shifts
    to the other sign included; otherwise scaled values are float64. Masked where the file marks
    missing values: TNULL, truth values that are neither T nor F, blank numbers of an ASCII table.
    """
    if field.kind == "A":  # before a zero byte, without the blanks at its end
        return np.array([_text(each.partition(b"\0")[0]) for each in raw.tolist()], object)
    if field.kind == "L":
        return np.ma.MaskedArray(raw == b"T", mask=~((raw == b"T") | (raw == b"F")))
    if field.kind == "X":
        return (raw >> np.uint8(7 - field.bit) & np.uint8(1)).astype(np.bool_)
    missing = None
    if field.is_ascii:
        raw, missing = _parsed(field, raw, start)
    elif field.null is not None:
        missing = raw == field.null
    values = _scaled(field, raw)
    return values if missing is None else np.ma.MaskedArray(values, mask=missing)


def _scaled(field: Field, raw: NDArray[Any]) -> NDArray[Any]:
    if (field.scale, field.zero) == (1, 0):
        return raw
    if (dtype := np.dtype(field.column.dtype)).kind in "iu":
        unsigned = raw.view(field.stored.str.replace("i", "u"))
        half = unsigned.dtype.type(1 << (8 * dtype.itemsize - 1))
        shifted: NDArray[Any] = (unsigned ^ half).view(dtype)
        return shifted
    return raw.astype(np.float64) * field.scale + field.zero


def _text(content: bytes) -> str:
    try:
        return content.decode().rstrip()
    except UnicodeDecodeError:  # FITS has ASCII only; programs write what they have
        return content.decode("latin-1").rstrip()


def _parsed(
    field: Field, raw: NDArray[np.bytes_], start: int
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the numbers of a column of an ASCII table, and which of them are missing.

    Without a point, the last decimals digits stand behind it (FITS standard 4.0, section 7.2.5).
    """
    written = np.strings.upper(np.strings.strip(raw))
    missing = written == b""
    if field.null is not None:
        missing |= written == str(field.null).strip().upper().encode()
    written = np.where(missing, b"0", written)
    if field.kind != "I":
        written = np.strings.replace(written, b"D", b"E")
    dtype = np.int64 if field.kind == "I" else np.float64
    try:
        numbers: NDArray[Any] = written.astype(dtype)
    except (ValueError, OverflowError):
        raise _bad_number(field, written, dtype, start) from None
    if field.decimals and field.kind != "I":
        whole = np.strings.isdigit(np.strings.lstrip(written, b"+-"))
        numbers[whole] /= 10.0**field.decimals
    return numbers, missing


def _bad_number(field: Field, written: NDArray[np.bytes_], dtype: type, start: int) -> SourceError:
    """Return the error of the first text that is no number."""
    for row, each in enumerate(written, start):
        try:
            each.astype(dtype)
        except (ValueError, OverflowError):
            text = each.decode("latin-1")
            said = f"row {row + 1} of column {field.column.name} holds {text!r}, not a number"
            return SourceError(said, "correct the file, or have it written again")
    return SourceError(f"column {field.column.name} holds what is not a number")
