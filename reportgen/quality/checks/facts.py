"""What checks need beside the section: the night, earlier ones, reference runs, files, cells."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from reportgen.config.columns import Column
from reportgen.config.expressions import Condition
from reportgen.config.loader import Report
from reportgen.config.schema import CatalogueSection, ImagesSection, SectionBlock
from reportgen.errors import ConfigError
from reportgen.record import InputRecord, Summary, TableRecord, own_file, read_summary
from reportgen.wording import counted

Row = int | Mapping[str, str | int | float]
"""Number of a row, counted from 0, or the values that the one row has."""

CellReader = Callable[[TableRecord, Row, str], float]
"""Gives the number in a cell, NaN where it is missing.

Raises LookupError when there is no such row, and ValueError when the cell cannot be read.
"""

NightValues = Sequence[tuple[date, float | None]]
"""Values of a metric by night, in any order, in the unit it has today."""


def no_cells(table: TableRecord, row: Row, column: str) -> float:
    """Stand in for a reader of cells where there are no files."""
    raise ValueError("there are no files to read it from")


@dataclass(frozen=True)
class Reference:
    """A run to compare with."""

    summary: Summary
    read_cell: CellReader = no_cells


@dataclass(frozen=True)
class Facts:
    """All that the checks of a run need.

    started: UTC. earlier: by section and metric. modified: for each section when its source files
    were last changed, None where that is not known. references: by name, or why a run cannot be
    read.
    """

    started: datetime
    earlier: Mapping[tuple[str, str], NightValues] = field(default_factory=dict)
    modified: Mapping[str, Mapping[str, datetime | None]] = field(default_factory=dict)
    references: Mapping[str, Reference | str] = field(default_factory=dict)
    read_cell: CellReader = no_cells
    no_history: str = ""
    """Why earlier nights are not known; empty when it is."""

    @property
    def night(self) -> date:
        """Date of the run, UTC."""
        return self.started.date()


def read_references(report: Report) -> dict[str, Reference | str]:
    """Read the reference runs that checks use; for one that cannot be read, give the reason."""
    checks = (check for section in report.sections.values() for check in section.checks)
    found: dict[str, Reference | str] = {}
    for name in dict.fromkeys(check.within.of for check in checks if check.within is not None):
        folder = reference_folder(report, name)
        try:
            found[name] = Reference(read_summary(folder), cell_reader(folder))
        except ConfigError as error:
            found[name] = error.message
    return found


def reference_folder(report: Report, name: str) -> Path:
    """Return the run folder of a reference; one that is named by its id is in the output folder."""
    place = report.references[name]
    return place if isinstance(place, Path) else report.output.folder / place


def modified_files(
    report: Report, inputs: Iterable[InputRecord]
) -> dict[str, dict[str, datetime | None]]:
    """Return for each section that checks it when its source files were last changed."""
    times = {record.path: _time(record.modified) for record in inputs}
    return {
        name: {str(file): times.get(str(file)) for file in source_files(report, section)}
        for name, section in report.sections.items()
        if any(check.fresh is not None for check in section.checks)
    }


def source_files(report: Report, section: SectionBlock) -> tuple[Path, ...]:
    """Return the files whose data a section shows: of the columns it names, or of its images.

    All columns of its catalogue when it names none. A network is not what is observed.
    """
    files: list[Path | None] = []
    if isinstance(section, ImagesSection):
        files = [report.images[section.images.name].file]
    elif (images := getattr(section, "looked_at", None)) is not None:
        files = [report.images[images.name].file]
    if isinstance(section, CatalogueSection):
        catalogue = report.catalogues[section.catalogue]
        listed = catalogue.columns
        wanted = list(dict.fromkeys(_columns_in(section)))
        for name in wanted:  # and what they are computed of
            expression = listed[name].expression if name in listed else None
            if expression is not None:
                wanted += [each for each in expression.columns if each not in wanted]
        in_files = catalogue.in_files
        blocks = [block for name, block in in_files.items() if not wanted or name in wanted]
        files += [block.file or catalogue.file for block in blocks]
        if set(wanted) - listed.keys() or not blocks:
            files.append(catalogue.file)
    return tuple(dict.fromkeys(file for file in files if file is not None))


def _columns_in(value: object) -> Iterator[str]:
    """Yield the names of the columns that the keys of a section name, also in conditions."""
    if isinstance(value, Column):
        yield value.name
    elif isinstance(value, Condition):
        yield from sorted(value.columns)
    elif isinstance(value, BaseModel):
        for key in type(value).model_fields:
            yield from () if key == "checks" else _columns_in(getattr(value, key))
    elif isinstance(value, Mapping):
        yield from _columns_in(tuple(value.values()))
    elif isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from _columns_in(item)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def cell_reader(run: Path) -> CellReader:
    """Return what reads the number in a cell of a run folder; each table is read once."""

    @cache
    def table(file: str) -> Any:
        from astropy.table import Table

        try:
            return Table.read(own_file(run, file), format="ascii.ecsv", encoding="utf-8")
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
            raise LookupError(f"the table {record.id} has only {counted(len(table), 'rows')}")
        return row
    cells = zip(*(np.ma.asarray(table[name]) for name in row), strict=True)
    wanted = tuple(row.values())
    places = [place for place, found in enumerate(cells) if all(map(_is_equal, found, wanted))]
    if not places:
        raise LookupError(f"the table {record.id} has no such row")
    if len(places) > 1:
        raise ValueError(f"{len(places)} rows of the table {record.id} are so")
    return places[0]


def _is_equal(value: Any, wanted: str | int | float) -> bool:
    """Return whether a cell holds a value; a missing one holds none."""
    if np.ma.is_masked(value):
        return False
    if isinstance(value, str):
        return value == str(wanted)
    try:
        return float(value) == float(wanted)
    except ValueError:
        return False
