"""Sections of a few numbers, without a file, and what their figures show."""

import re
from functools import cache

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import is_math_text
from matplotlib.text import Text
from projects import ROOT
from tables import Table

from reportgen.config.sources import CatalogueBlock
from reportgen.data.catalogue import open_catalogues
from reportgen.reduce.base import OfCatalogue
from reportgen.reduce.scan import Failure, of_other_catalogues, scan
from reportgen.style import WIDTHS, house_style

NAN, INF = np.nan, np.inf
LONG = "A very long label that says all there is to know of a column and then goes on and on"


def described(names, units=None, labels=None):
    """Return columns as the analyses see them."""
    units, labels = units or {}, labels or {}
    blocks = {
        name: {"unit": units.get(name, ""), "label": labels.get(name, name)} for name in names
    }
    block = {"file": "objects.h5", "dataset": "objects", "others": False, "columns": blocks}
    return CatalogueBlock.model_validate(block).described()


def analysis(kind, names, units=None, labels=None, *, others=None, **keys):
    """Make an analysis of YAML keys, for a catalogue with columns of these names.

    others: names of the columns of other catalogues, by name of the catalogue.
    """
    keys = {"analysis": kind.name, "catalogue": "objects", "title": "Objects", **keys}
    columns = described(names, units, labels)
    catalogues = {name: described(of_it, units) for name, of_it in (others or {}).items()}
    context = {"columns": columns, "catalogues": {"objects": columns, **catalogues}}
    return kind.model_validate(keys, context=context)


def present(kind, data, units=None, labels=None, exact=True, *, others=None, **keys):
    """Compute a section of columns of numbers. exact: whether all rows may be kept.

    others: data of other catalogues by name.
    """
    section = analysis(kind, data, units, labels, others=others, **keys)
    return presented(section, Table(data), exact, others)


def presented(section, source, exact=True, others=None):
    """Compute the section of an analysis and a source. others: as in present."""
    wanted = dict(section.reductions())
    most = source.rows if exact else -1
    known = {}
    with np.errstate(all="ignore"):
        for name, needed in of_other_catalogues(wanted.values(), exact).items():
            values = scan(needed, Table(others[name]), 10**9 if exact else -1)
            known |= {OfCatalogue(name, each): value for each, value in values.items()}
        found = scan(wanted.values(), source, most, known=known)
    for value in found.values():
        if isinstance(value, Failure):
            raise value.error
    with house_style():
        return section.present(**{name: found[reduction] for name, reduction in wanted.items()})


def values_of(section):
    """Return the metrics of a section by name."""
    return {name: metric.value for name, metric in section.metrics.items()}


def present_file(kind, name, block=None, **keys):
    """Compute a section of a real file beside the repository; skip where it is not there."""
    path = (ROOT / "../shared/data" / name).resolve()
    if not path.exists():
        pytest.skip(f"{path} is not here")
    block = CatalogueBlock.model_validate({"file": path, **(block or {})})
    source = open_catalogues({"a": block}, lambda *_: "x.yaml:1:1: x")["a"]
    keys = {"analysis": kind.name, "catalogue": "a", "title": "A", **keys}
    section = kind.model_validate(keys, context={"columns": source.columns})
    return presented(section, source)


def figure(section, name):
    return next(figure for figure in section.figures if figure.id == name)


def table(section, name):
    """Return a table of a section, or of its figures, as lists by column."""
    tables = [*section.tables, *(figure.data for figure in section.figures)]
    found = next(table for table in tables if table.id == name)
    return {column.name: np.asarray(column.values).tolist() for column in found.columns}


def units(section, name):
    """Return the unit of each column of a table."""
    tables = [*section.tables, *(figure.data for figure in section.figures)]
    found = next(table for table in tables if table.id == name)
    return {column.name: column.unit for column in found.columns}


def axes(figure):
    """Return the axes of a figure, its colour bar aside."""
    return figure.drawing.axes[0]


def legend(figure):
    """Return the texts of the key above the axes."""
    return [text.get_text() for key in figure.drawing.legends for text in key.get_texts()]


def steps(figure):
    """Return the outlines of a histogram as (values, edges) by label, as drawn."""
    outlines = {}
    for patch in axes(figure).patches:
        data = patch.get_data()
        if not patch.get_label().startswith("_child"):
            outlines[patch.get_label()] = (data.values.tolist(), data.edges.tolist())
    return outlines


@cache
def _measured(drawing):
    """Lay a drawing out and give its renderer."""
    with house_style():
        canvas = FigureCanvasAgg(drawing)
        drawing.draw_without_rendering()
        return canvas.get_renderer()


def texts(drawing):
    """Return every text of a drawing that is shown, with its place in pixels."""
    renderer = _measured(drawing)
    for artist in drawing.findobj(Text):
        if artist.get_visible() and artist.get_text().strip():
            yield artist, artist.get_window_extent(renderer)


def check_drawing(figure):
    """Fail unless a figure has its width, type that can be read, and nothing cut off or covered."""
    drawing = figure.drawing
    assert drawing.get_figwidth() == WIDTHS[figure.width]
    renderer = _measured(drawing)
    box = drawing.get_tightbbox(renderer)
    width, height = drawing.get_size_inches()
    slack = 0.02  # inches
    assert box.x0 >= -slack, f"{box.x0} in: cut off on the left"
    assert box.x1 <= width + slack, f"{box.x1} in: cut off on the right"
    assert box.y0 >= -slack, f"{box.y0} in: cut off below"
    assert box.y1 <= height + slack, f"{box.y1} in: cut off above"
    for text, _ in texts(drawing):
        assert text.get_fontsize() >= 7
        assert not is_math_text(text.get_text()), f"{text.get_text()!r} becomes a formula"
    for each in drawing.axes:
        _check_labels(each, renderer)
    for key in drawing.legends:
        frame = axes(figure).get_window_extent(renderer)
        assert not key.get_window_extent(renderer).overlaps(frame), "the key covers data"


def _check_labels(each, renderer):
    if not hasattr(each, "coords"):
        for axis in (each.xaxis, each.yaxis):
            labels = [t for t in axis.get_ticklabels() if t.get_visible() and t.get_text()]
            boxes = [label.get_window_extent(renderer) for label in labels]
            for (a, first), (b, second) in zip(
                zip(labels, boxes, strict=True),
                list(zip(labels, boxes, strict=True))[1:],
                strict=False,
            ):
                turned = a.get_rotation() % 90
                apart = not first.overlaps(second)
                assert turned or apart, f"{a.get_text()!r} runs into {b.get_text()!r}"


UNTRUE = re.compile(
    r"\bnan\b|\binf\b|None|True|False|\{|\}|\(\)|  | ,|\.\.|: \.|\bnp\.|e[+-]\d\d|-\d"
)


def check_words(section):
    """Fail where a sentence has a number that is none, or a hole."""
    said = [*section.findings, *section.notes]
    said += [text for f in section.figures for text in (f.title, f.alt, f.caption)]
    said += [m.label for m in section.metrics.values()]
    for text in said:
        assert text == text.strip()
        assert text
        assert not UNTRUE.search(text), text
    for text in [*section.findings, *section.notes, *(f.alt for f in section.figures)]:
        assert text.endswith("."), text


def check(section):
    """Fail unless the section could be printed: words, figures, tables of finite or missing."""
    check_words(section)
    for each in section.figures:
        check_drawing(each)
        assert each.data.columns
