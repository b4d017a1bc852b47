"""Columns of datasets of any format: where they are, what is known of them, their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.wording import EXACT

Columns = list[NDArray[Any]]
TEXT = np.dtypes.StringDType(na_object=np.nan)
"""Type of columns of text, NaN where missing."""
_MJD_ZERO = np.datetime64("1858-11-17")


@dataclass(frozen=True)
class ColumnPlace:
    """Where a column's numbers are.

    dataset: which table of the file; empty for the only one. field: name of the column in it.
    index: which of several values in a row. mask: name of the column that is true where it is
    missing. where: ``file:line:column: key`` of the configuration, put before messages.
    """

    file: Path
    dataset: str = ""
    index: int | None = None
    field: str | None = None
    missing: tuple[float, ...] = ()
    mask: str | None = None
    where: str = ""

    @property
    def said(self) -> str:
        """The place in the configuration and the file, for messages."""
        named = f"{self.file}: {self.dataset}" if self.dataset else str(self.file)
        return f"{self.where}: {named}" if self.where else named


def as_values(
    raw: NDArray[Any], missing: Sequence[float], mask: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Return a column as reportgen reads it: numbers, MJD for times, texts.

    mask: where it is missing besides. Numbers are float64, (rows,), or (2, rows) with what rounding
    took from integers; texts are of the type TEXT, and an empty one is missing.
    """
    data = np.ma.getdata(raw)
    if data.dtype.kind in "OUST":
        values: NDArray[Any] = np.empty(len(data), TEXT)
        is_text = [isinstance(text, str) and bool(text) for text in data.tolist()]
        values[:] = np.where(is_text, data, np.nan)
    elif data.dtype.kind == "M":
        values = (data - _MJD_ZERO) / np.timedelta64(1, "D")
    else:
        values = as_numbers(raw, missing)
    if data.dtype.kind in "OUSTM":
        values[np.ma.getmaskarray(raw)] = np.nan
    if mask is not None:
        values[mask.astype(bool)] = np.nan
    return with_remainders(values, data)


def as_numbers(raw: NDArray[Any], missing: Sequence[float]) -> NDArray[np.float64]:
    """Convert a column to float64, NaN where it is masked or holds a missing-value mark.

    A mark is compared in the type on disk: -99.9 in a float32 column is not -99.9 in float64.
    Integers beyond 2**53 are rounded to the nearest float64; see `with_remainders`.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        masked = np.ma.getmask(raw)
        raw = np.ma.getdata(raw)
        values = np.array(raw, dtype=np.float64)
        # The copy is contiguous, and the same numbers where float64 is the type on disk.
        compared = values if raw.dtype == values.dtype else raw
        for mark in missing:
            values[_is(compared, mark)] = np.nan
        if masked is not np.ma.nomask:
            values[masked] = np.nan
    return values


def with_remainders(values: NDArray[np.float64], raw: NDArray[Any]) -> NDArray[np.float64]:
    """Return a column with what rounding its integers to float64 took from them, (2, rows).

    values: what `as_numbers` gives of a column in its type on disk. A column of which nothing was
    rounded is returned as it is, (rows,).
    """
    if raw.dtype.kind not in "iu" or raw.dtype.itemsize < 8 or not raw.size:
        return values
    if raw.min() >= -EXACT and raw.max() <= EXACT:
        return values
    # Halves of 32 bits, as both are exact and so is what is left of the first.
    high, low = (raw >> 32).astype(np.float64) * 2.0**32, (raw & 0xFFFFFFFF).astype(np.float64)
    remainders = np.where(np.isnan(values), 0.0, high - values + low)
    return np.stack([values, remainders]) if remainders.any() else values


def _is(raw: NDArray[Any], mark: float) -> NDArray[np.bool_]:
    """Return where a column holds a mark."""
    if raw.dtype.kind == "f":
        on_disk = raw.dtype.type(mark)
        # A mark that the type cannot hold would become an infinity, or 0.
        held = np.isfinite(on_disk) and (on_disk == 0) == (mark == 0)
        return np.asarray(raw == on_disk) if held else np.zeros(raw.shape, dtype=bool)
    if raw.dtype.kind in "iu" and float(mark).is_integer():
        limits = np.iinfo(raw.dtype)
        if limits.min <= int(mark) <= limits.max:
            # Beyond 2**53 several integers are one float64.
            return np.asarray(raw == int(mark))
    return np.asarray(raw.astype(np.float64) == mark)
