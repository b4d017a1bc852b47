"""How figures share the width of a sheet, and what stands beside one that is alone."""

from dataclasses import replace

import pytest

from reportgen.record import read_summary
from reportgen.render.paper_figures import figure_rows
from reportgen.render.view import report_view


@pytest.fixture(scope="module")
def sections(built):
    run = built.run.resolve()
    return {s.record.id: s for s in report_view(run, read_summary(run), 40).sections}


def test_narrow_figures_stand_in_pairs_and_a_wide_one_alone(sections):
    rows = figure_rows(sections["cnn_filters"])
    widths = [tuple(figure.record.width for figure in row.figures) for row in rows]
    assert widths[:2] == [("column",), ("column", "column")]
    assert rows[0].metrics
    assert set(widths[2:]) == {("full",)}
    assert not any(row.saved for row in rows if row.figures[0].record.width == "full")


def test_beside_a_map_stand_its_numbers_and_notes(sections):
    (row,) = figure_rows(sections["swire_sky"])
    assert (row.metrics, row.table, row.checks, row.foot) == (True, None, False, True)


def test_beside_the_last_figure_stands_a_narrow_table_that_follows(sections):
    section = sections["flux_stellarity"]
    *pairs, last = figure_rows(section)
    assert [len(row.figures) for row in (*pairs, last)] == [2, 2, 1]
    assert (last.metrics, last.table) == (False, section.tables[0])
    table = section.tables[0]
    wide = replace(table, heads=table.heads * 2, rows=tuple(row * 2 for row in table.rows))
    assert figure_rows(replace(section, tables=(wide,)))[-1].table is None
