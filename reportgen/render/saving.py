"""The files of a section: its figures and tables in every form, with the record of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import count
from typing import Any

import numpy as np

from reportgen.analyses.results import Figure, Section, Table
from reportgen.record import ColumnRecord, FigureRecord, MetricRecord, TableRecord
from reportgen.render.figure_values import figure_values
from reportgen.render.latex import latex_table
from reportgen.render.sky_files import covered_place, regions
from reportgen.render.svg import with_small_images, with_values
from reportgen.render.table_files import write_table
from reportgen.style import PNG_DPI, house_style

# How each form of a figure is saved. None keeps the time and matplotlib's version out.
_FORMS: Mapping[str, Mapping[str, Any]] = {
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
    "png": {"metadata": {"Software": None}, "dpi": PNG_DPI, "facecolor": "white"},
}


@dataclass(frozen=True)
class SectionFiles:
    """What a section leaves in the run folder. files: path in the run folder to content."""

    figures: tuple[FigureRecord, ...]
    tables: tuple[TableRecord, ...]
    metrics: Mapping[str, MetricRecord]
    files: Mapping[str, bytes]


def section_files(section: Section, section_id: str, *, drawn: bool = True) -> SectionFiles:
    """Return figures (SVG, PDF, PNG) and tables (ECSV, CSV), all below ``sections/<id>/``.

    Tables of positions are DS9 regions, too, and tables that the report shows LaTeX.
    drawn: if not, only the records of them are made.
    """
    base = f"sections/{section_id}"
    files: dict[str, bytes] = {}
    tables = {table.id: table for table in section.tables}
    figures = []
    with house_style():
        for figure in section.figures:
            data = _with_own_id(figure, tables)
            tables[data.id] = data
            contents = _draw(figure) if drawn else {}
            forms = _forms(f"{base}/figures/{figure.id}", contents, files)
            figures.append(
                FigureRecord(
                    id=figure.id,
                    title=figure.title,
                    alt=figure.alt,
                    caption=figure.caption,
                    width=figure.width,
                    table=data.id,
                    files=forms,
                )
            )
    records = []
    for table in tables.values():
        contents = write_table(table) if drawn else {}
        if drawn and table.position is not None and (found := regions(table)) is not None:
            contents["reg"] = found
        if drawn and table.shown and (found := latex_table(table)) is not None:
            contents["tex"] = found
        forms = _forms(f"{base}/tables/{table.id}", contents, files)
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
    """Return the numbers of a figure under an id that no other table has."""
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
    """Return a figure as SVG, PDF and PNG, with the same places of everything in all three."""
    import matplotlib as mpl

    drawing = figure.drawing
    drawing.set_dpi(PNG_DPI)
    layout = drawing.get_layout_engine()
    if layout is not None:
        layout.execute(drawing)
    # The places are settled: with a layout, each form would work them out anew and draw twice.
    with mpl.rc_context({"figure.constrained_layout.use": False}):
        drawing.set_layout_engine(None)
        contents = {form: saved(drawing, form, figure.title) for form in _FORMS}
    svg = with_small_images(contents["svg"].decode())
    return contents | {"svg": with_values(svg, figure_values(drawing)).encode()}


def saved(drawing: Any, form: str, title: str) -> bytes:
    """Return a drawing as a file: svg, pdf or png. To be called in the house style."""
    options = dict(_FORMS[form])
    options["metadata"] = {**options["metadata"], "Title": title}
    buffer = BytesIO()
    drawing.savefig(buffer, format=form, **options)
    return buffer.getvalue()


def _table_record(table: Table, files: Mapping[str, str]) -> TableRecord:
    return TableRecord(
        id=table.id,
        title=table.title,
        rows=len(table.columns[0].values) if table.columns else 0,
        shown=table.shown,
        columns=tuple(
            ColumnRecord(
                name=column.name,
                unit=column.unit,
                description=column.description,
                digits=column.digits,
                numeric=column.is_numeric,
                title=column.title,
                shown=column.shown,
            )
            for column in table.columns
        ),
        files=files,
        position=table.position,
        place=None if table.position is None else covered_place(table),
    )
