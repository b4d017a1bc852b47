import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import is_math_text  # noqa: F401

from reportgen.analyses.distribution import palette_places
from reportgen.analyses.plotting.axes import key_above, new_figure
from reportgen.analyses.plotting.lettering import fitted, label_axes, plain, text_width, wrapped
from reportgen.config.columns import Column
from reportgen.style import house_style

WORDS = st.text(st.sampled_from("abc MW µ[]$\\_ 3.6"), max_size=120)


def drawn_text(text):
    """Give what matplotlib makes of a text: its glyphs, and whether it is a formula."""
    axes = new_figure(50)[1]
    made = axes.text(0, 0, plain(text))
    return made._preprocess_math(made.get_text())


@pytest.mark.parametrize("text", ["$5", "$x_1$", r"\alpha $", "a_b & <c>", "100 %", r"\$", "~^{}#"])
def test_text_is_shown_as_it_is_written(text):
    shown, is_formula = drawn_text(text)
    assert shown == text
    assert not is_formula


def test_text_that_fits_is_left_alone():
    assert fitted("Flux", 100) == "Flux"
    assert wrapped("Flux density [µJy]", 500) == "Flux density [µJy]"


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


def test_a_label_breaks_between_words_and_loses_none_where_two_rows_are_enough():
    text = wrapped("Flux density of the nearest object [µJy]", 110)
    assert text.replace("\n", " ").replace("\u00a0", " ") == (
        "Flux density of the nearest object [µJy]"
    )


def test_a_wide_label_takes_two_rows():
    _, axes = new_figure(50)
    label_axes(axes, "Short", "A label that is longer than the axis beside which it stands [mJy]")
    assert axes.get_xlabel() == "Short"
    assert axes.get_ylabel().count("\n") == 1


def key(labels):
    figure, axes = new_figure(50)
    lines = [axes.plot([0, 1], [0, k])[0] for k in range(len(labels))]
    with house_style():
        key_above(figure, labels, lines)
        FigureCanvasAgg(figure)
        figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize(
    "labels", [["a"], ["3.6 µm"] * 5, ["word " * 4] * 3, ["x" * 200] * 2, ["c"] * 20]
)
def test_a_key_is_no_wider_than_its_figure(labels):
    figure = key(labels)
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width


def test_five_bands_have_a_key_of_one_row():
    boxes = [t.get_window_extent() for t in key(["3.6 µm", "4.5 µm", "5.8 µm", "8.0 µm", "24 µm"])
             .legends[0].get_texts()]  # fmt: skip
    assert max(box.y0 for box in boxes) < min(box.y1 for box in boxes)


def test_a_key_is_read_row_by_row():
    labels = [f"column number {k}" for k in range(5)]
    texts = key(labels).legends[0].get_texts()
    places = {text.get_text(): text.get_window_extent() for text in texts}
    in_reading_order = sorted(
        places, key=lambda label: (-round(places[label].y0), places[label].x0)
    )
    assert in_reading_order == labels


def test_a_figure_grows_with_the_rows_of_its_key():
    assert key(["c" * 20] * 8).get_figheight() > key(["c"] * 2).get_figheight()


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


def test_columns_keep_their_places_in_the_palette_unless_they_clash():
    flux = [Column(f"f{k}", unit="Jy", order=k) for k in range(3)]
    assert palette_places(flux[1:]) == {"f1": 1, "f2": 2}
    size = Column("size", unit="arcsec", order=1)
    assert palette_places([*flux[1:], size]) == {"f1": 1, "f2": 2, "size": 0}
    assert palette_places([size, flux[1], flux[2], flux[0]]) == {
        "size": 1,
        "f1": 3,
        "f2": 2,
        "f0": 0,
    }
