"""Writes a section's figures and tables into the run folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.results import Figure, Section, Table, TableColumn
from reportgen.style import house_style
from reportgen.summary import ColumnRecord, FigureRecord, MetricRecord, TableRecord

if TYPE_CHECKING:
    from astropy.table import MaskedColumn

PNG_DPI = 220  # 84 mm are 728 pixels: sharp on a phone, small in a mail


def save_section(
    section: Section, section_id: str, run: Path
) -> tuple[tuple[FigureRecord, ...], tuple[TableRecord, ...], dict[str, MetricRecord]]:
    """Write figures (SVG, PDF, PNG) and tables (ECSV, CSV) below ``sections/<id>/`` of a run."""
    base = Path("sections") / section_id
    for name in ("figures", "tables"):
        (run / base / name).mkdir(parents=True, exist_ok=True)
    figures, tables = [], list(section.tables)
    for figure in section.figures:
        data = figure.data
        if data.id in {table.id for table in tables}:
            data = Table(f"figure_{data.id}", data.title, data.columns, data.shown)
        tables.append(data)
        figures.append(_save_figure(figure, data.id, run, base / "figures"))
    metrics = {
        name: MetricRecord(
            label=metric.label,
            value=float(metric.value) if np.isfinite(metric.value) else None,
            unit=metric.unit,
            digits=metric.digits,
            shown=metric.shown,
        )
        for name, metric in section.metrics.items()
    }
    return tuple(figures), tuple(_save_table(t, run, base / "tables") for t in tables), metrics


def _save_figure(figure: Figure, table: str, run: Path, folder: Path) -> FigureRecord:
    with house_style():
        # The layout is the same in every format: work it out once.
        figure.drawing.draw_without_rendering()
        figure.drawing.set_layout_engine("none")
        files = {}
        for form, options in {
            "svg": {"metadata": {"Date": None, "Title": figure.title}},
            "pdf": {"metadata": {"CreationDate": None, "Title": figure.title}},
            "png": {"dpi": PNG_DPI, "facecolor": "white", "metadata": {"Title": figure.title}},
        }.items():
            path = folder / f"{figure.id}.{form}"
            figure.drawing.savefig(run / path, format=form, **options)
            files[form] = path.as_posix()
    return FigureRecord(
        id=figure.id,
        title=figure.title,
        alt=figure.alt,
        caption=figure.caption,
        width=figure.width,
        table=table,
        files=files,
    )


def _save_table(table: Table, run: Path, folder: Path) -> TableRecord:
    from astropy.table import Table as AstropyTable

    ecsv, csv = folder / f"{table.id}.ecsv", folder / f"{table.id}.csv"
    plain = AstropyTable([_masked(column) for column in table.columns])
    plain.meta["title"] = table.title
    plain.write(run / ecsv, format="ascii.ecsv")
    for column in table.columns:
        if column.unit:
            plain.rename_column(column.name, f"{column.name} [{column.unit}]")
    plain.write(run / csv, format="ascii.csv")
    return TableRecord(
        id=table.id,
        title=table.title,
        rows=len(plain),
        shown=table.shown,
        columns=_column_records(table.columns),
        files={"ecsv": ecsv.as_posix(), "csv": csv.as_posix()},
    )


def _column_records(columns: Sequence[TableColumn]) -> tuple[ColumnRecord, ...]:
    return tuple(
        ColumnRecord(
            name=column.name,
            unit=column.unit,
            description=column.description,
            digits=column.digits,
            numeric=column.values.dtype.kind in "iuf",
        )
        for column in columns
    )


def _masked(column: TableColumn) -> "MaskedColumn":
    """Give the column for astropy, missing numbers masked so that files leave them empty."""
    from astropy.table import MaskedColumn

    values: Any = np.ma.asarray(column.values)
    if values.dtype.kind == "f":
        values = np.ma.masked_invalid(values)
    return MaskedColumn(
        values, name=column.name, unit=column.unit or None, description=column.description or None
    )
