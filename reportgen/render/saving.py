"""The files of a section: its figures and tables in every form, with the record of them."""

from collections.abc import Iterable, Mapping, Sequence
from csv import writer
from dataclasses import dataclass, replace
from io import BytesIO, StringIO
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from reportgen.render.drawings import png_of, quick_fonts, settled_layout
from reportgen.results import Figure, Section, Table, TableColumn
from reportgen.style import house_style
from reportgen.summary import ColumnRecord, FigureRecord, MetricRecord, TableRecord

if TYPE_CHECKING:
    from astropy.table import MaskedColumn

PNG_DPI = 220  # 84 mm are 728 pixels: sharp on a phone, small in a mail


@dataclass(frozen=True)
class SectionFiles:
    """What a section leaves in the run folder. files: path in the run folder to content."""

    figures: tuple[FigureRecord, ...]
    tables: tuple[TableRecord, ...]
    metrics: Mapping[str, MetricRecord]
    files: Mapping[str, bytes]


def section_files(section: Section, section_id: str) -> SectionFiles:
    """Give figures (SVG, PDF, PNG) and tables (ECSV, CSV), all below ``sections/<id>/``."""
    base = f"sections/{section_id}"
    files: dict[str, bytes] = {}
    tables = {table.id: table for table in section.tables}
    figures = []
    for figure in section.figures:
        data = _with_own_id(figure, tables)
        tables[data.id] = data
        forms = _forms(f"{base}/figures/{figure.id}", _draw(figure), files)
        figures.append(_figure_record(figure, data.id, forms))
    records = []
    for table in tables.values():
        forms = _forms(f"{base}/tables/{table.id}", _write(table), files)
        records.append(_table_record(table, forms))
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
    return SectionFiles(tuple(figures), tuple(records), metrics, files)


def _with_own_id(figure: Figure, taken: Mapping[str, Table]) -> Table:
    """Give the numbers of a figure under an id that no other table has."""
    data = figure.data
    if taken.get(data.id, data) is data:
        return data
    names = (f"{figure.id}_{data.id}{'' if n == 1 else f'_{n}'}" for n in count(1))
    return replace(data, id=next(name for name in names if name not in taken))


def _forms(path: str, contents: Mapping[str, bytes], files: dict[str, bytes]) -> dict[str, str]:
    """Add the forms of a figure or table to the files; give the path of each."""
    named = {form: f"{path}.{form}" for form in contents}
    files |= {named[form]: content for form, content in contents.items()}
    return named


def _draw(figure: Figure) -> dict[str, bytes]:
    """Give a figure as SVG, PDF and PNG, with the same places of everything in all three."""
    options: dict[str, dict[str, Any]] = {
        "svg": {"metadata": {"Date": None, "Title": figure.title}},
        "pdf": {"metadata": {"CreationDate": None, "Title": figure.title}},
    }
    contents = {}
    with house_style(), quick_fonts(), settled_layout(figure.drawing):
        for form, chosen in options.items():
            buffer = BytesIO()
            figure.drawing.savefig(buffer, format=form, **chosen)
            contents[form] = buffer.getvalue()
    return contents | {"png": png_of(contents["pdf"], PNG_DPI, figure.title)}


def _figure_record(figure: Figure, table: str, files: Mapping[str, str]) -> FigureRecord:
    return FigureRecord(
        id=figure.id,
        title=figure.title,
        alt=figure.alt,
        caption=figure.caption,
        width=figure.width,
        table=table,
        files=files,
    )


def _write(table: Table) -> dict[str, bytes]:
    """Give a table as ECSV, which has the units in its head, and as CSV; the rows are the same.

    Astropy writes the head. It would take a second for each 20,000 rows below it.
    """
    from astropy.table import Table as AstropyTable

    plain = AstropyTable([_masked(column) for column in table.columns])
    plain.meta["title"] = table.title
    head = StringIO()
    plain[:0].write(head, format="ascii.ecsv", delimiter=",")
    named = [f"{c.name} [{c.unit}]" if c.unit else c.name for c in table.columns]
    rows = _rows(zip(*(_texts(plain[column.name]) for column in table.columns), strict=True))
    return {"ecsv": (head.getvalue() + rows).encode(), "csv": (_rows([named]) + rows).encode()}


def _rows(rows: Iterable[Sequence[str]]) -> str:
    text = StringIO()
    writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _texts(column: Any) -> list[str]:
    """Give values as text, each with the digits that its type has; nothing where it is missing."""
    values = np.ma.getdata(column)
    texts = [str(value) for value in (values if values.dtype.kind == "f" else values.tolist())]
    for place in np.flatnonzero(np.ma.getmaskarray(column)):
        texts[place] = ""
    return texts


def _table_record(table: Table, files: Mapping[str, str]) -> TableRecord:
    return TableRecord(
        id=table.id,
        title=table.title,
        rows=len(table.columns[0].values) if table.columns else 0,
        shown=table.shown,
        columns=_column_records(table.columns),
        files=files,
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
