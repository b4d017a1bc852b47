"""What the cells of a table of text are: whole numbers, numbers, truth values, times or texts."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

# Kinds in the order in which they are taken where several fit all cells, and the types of columns.
# Whole numbers beyond 64 bits are names of things more than numbers, and a float64 rounds them.
DTYPES = {
    "truth": "|b1",
    "int64": "<i8",
    "uint64": "<u8",
    "digits": "str",
    "float64": "<f8",
    "time[us]": "time",
    "time[us, UTC]": "time",
    "time[ns]": "time",
    "time[ns, UTC]": "time",
    "text": "str",
}
TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
MISSING: tuple[str, ...] = ("", "NULL", "null", "N/A", "n/a", "NA", "<NA>", "None")
MISSING += ("NaN", "nan", "NAN", "-nan", "NaT")


def clean(texts: "pa.Array") -> "pa.Array":
    """Return cells without the blanks around them, null where they say that nothing is there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(cells, pa.array(MISSING)), pa.scalar(None, pa.string()), cells)


def narrow(possible: list[str], cells: "pa.Array") -> list[str]:
    """Return those of the possible kinds that some more cells fit too."""
    kept: list[str] = []
    few = cells.drop_null().slice(0, 100)  # Arrow takes long over cells that are not of a kind
    for kind in possible:
        if kind == "text" or ("int64" in kept and kind in ("digits", "float64")):
            kept.append(kind)  # which any cell is, or any whole number
            continue
        try:
            _parse(few, kind)
            _parse(cells, kind)
        except (ValueError, OverflowError):
            continue
        kept.append(kind)
    return kept


def read_cells(cells: "pa.Array", kind: str) -> NDArray[Any]:
    """Return cells as numbers, masked where missing; as times or texts."""
    values = _parse(cells, kind)
    if not cells.null_count or values.dtype.kind in "OM":
        return values
    return np.ma.masked_array(values, _to_numpy(cells.is_null()))


def _parse(cells: "pa.Array", kind: str) -> NDArray[Any]:
    """Return cells as a kind, 0 where missing; ValueError or OverflowError where they are not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == "text":
        return _to_numpy(cells)
    if kind == "digits":
        _require(pc.match_substring_regex(cells, r"^[+-]?[0-9]+$"))
        return _to_numpy(cells)
    if kind == "truth":
        true = pc.is_in(cells, pa.array(TRUE))
        _require(pc.or_(pc.is_null(cells), pc.or_(true, pc.is_in(cells, pa.array(FALSE)))))
        return _to_numpy(true)
    if kind.startswith("time"):
        unit, _, zone = kind[5:-1].partition(", ")
        return _to_numpy(cells.cast(pa.timestamp(unit, zone or None)))
    try:
        # Of what Arrow reads as a number, hexadecimal ones are none to Python.
        if kind != "float64":
            _require(pc.invert(pc.match_substring_regex(cells, "[xX]")))
        numbers = pc.fill_null(cells.cast(kind), 0)
    except pa.ArrowInvalid:
        return _parse_singly(cells, kind)
    return _to_numpy(numbers)


def _parse_singly(cells: "pa.Array", kind: str) -> NDArray[Any]:
    """Return cells as Python reads them: ``+1`` too, which Arrow does not know."""
    read = float if kind == "float64" else int
    numbers = []
    for start in range(0, len(cells), 1000):  # few, for most often the first is no number
        for text in cells[start : start + 1000].to_pylist():
            if text is not None and "_" in text:
                raise ValueError("no program writes numbers so")
            numbers.append(0 if text is None else read(text))
    return np.array(numbers, kind)


def _to_numpy(array: "pa.Array") -> NDArray[Any]:
    return np.asarray(array.to_numpy(zero_copy_only=False))


def _require(truths: "pa.BooleanArray") -> None:
    import pyarrow.compute as pc

    if pc.all(truths).as_py() is False:
        raise ValueError("not all cells are so")
