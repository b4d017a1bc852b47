from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from reportgen.analyses.plotting.axes import key_above, new_figure
from reportgen.analyses.plotting.lettering import fitted, text_width, wrapped
from reportgen.style import house_style

WORDS = st.text(st.sampled_from("abc MW µ[]$\\_ 3.6"), max_size=120)


@given(WORDS, st.floats(20, 200))
def test_fitted_text_is_no_wider_than_its_room(text, room):
    assert text_width(fitted(text, room)) <= room


@given(WORDS, st.floats(60, 200))
def test_wrapped_text_has_two_rows_at_most(text, room):
    rows = wrapped(text, room).split("\n")
    assert len(rows) <= 2


def test_a_label_keeps_its_unit_however_long_it_is():
    text = wrapped(
        "A label that goes on and on and on and does not come to an end [erg s⁻¹ cm⁻²]", 120
    )
    rows = text.split("\n")
    assert len(rows) == 2
    assert rows[1].endswith("…\u00a0[erg s⁻¹ cm⁻²]")
    assert all(text_width(row) <= 120 for row in rows)


def key(labels):
    figure, axes = new_figure(50)
    lines = [axes.plot([0, 1], [0, k])[0] for k in range(len(labels))]
    with house_style():
        key_above(figure, labels, lines)
        FigureCanvasAgg(figure)
        figure.draw_without_rendering()
    return figure


def test_each_line_of_a_key_stands_beside_its_own_name():
    figure = key(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"])
    lines = figure.axes[0].lines
    colours = dict(
        zip(
            [text.get_text() for text in figure.legends[0].get_texts()],
            [line.get_color() for line in figure.legends[0].get_lines()],
            strict=True,
        )
    )
    assert colours["one"] == lines[0].get_color()
    assert colours["two"] == lines[1].get_color()
    assert colours["ten"] == lines[9].get_color()
