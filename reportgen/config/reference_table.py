"""A small table of numbers that a section is compared with, read with the configuration.

Its numbers are part of the section's keys, so that the section is made anew when they change.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from reportgen.config.suggest import unknown
from reportgen.config.types import resolve_path

MAX_BYTES = 2_000_000
MOST_ROWS = 10_000


@dataclass(frozen=True)
class NumberTable:
    """Columns of numbers, NaN where there is none, by their names; of texts by 1, 2 and so on."""

    path: Path
    columns: dict[str, tuple[float, ...]]

    def column(self, name: str | int) -> tuple[float, ...]:
        """Return a column; ValueError with a did-you-mean for one that is not there."""
        if str(name) not in self.columns:
            raise ValueError(f"{self.path}: {unknown('column', str(name), self.columns)}")
        return self.columns[str(name)]


def _read(value: object, info: ValidationInfo) -> object:
    path = resolve_path(value, info)
    if isinstance(path, NumberTable):
        return path
    if not isinstance(path, Path):
        raise ValueError("should be the path of a table of numbers")
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path} is larger than {MAX_BYTES // 10**6} MB")
    try:
        columns = _fits(path) if path.suffix.lower() in {".fits", ".fit"} else _text(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    if not columns:
        raise ValueError(f"{path} has no rows of numbers")
    if len(next(iter(columns.values()))) > MOST_ROWS:
        raise ValueError(f"{path} has more than {MOST_ROWS} rows")
    return NumberTable(path, columns)


def _text(path: Path) -> dict[str, tuple[float, ...]]:
    """Read columns that blanks or commas part; what follows a # is left out."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    cells = [line.partition("#")[0].replace(",", " ").split() for line in lines]
    rows = [[_number(cell) for cell in row] for row in cells if row]
    width = max(map(len, rows), default=0)
    rows = [[*row, *[float("nan")] * (width - len(row))] for row in rows]
    return {str(place): each for place, each in enumerate(zip(*rows, strict=True), 1)}


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _fits(path: Path) -> dict[str, tuple[float, ...]]:
    import numpy as np
    from astropy.io import fits

    with fits.open(path, memmap=False) as units:
        table = next((unit for unit in units if isinstance(unit, fits.BinTableHDU)), None)
        if table is None:
            return {}
        return {
            name: tuple(np.asarray(table.data[name], dtype=np.float64).tolist())
            for name in table.columns.names
            if table.data[name].dtype.kind in "iuf" and table.data[name].ndim == 1
        }


TableFile = Annotated[NumberTable, BeforeValidator(_read), WithJsonSchema({"type": "string"})]
