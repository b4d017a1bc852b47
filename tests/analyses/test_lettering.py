from hypothesis import given
from hypothesis import strategies as st

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


def test_each_line_of_a_key_stands_beside_its_own_name():
    names = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    figure, axes = new_figure(50)
    lines = [axes.plot([0, 1], [0, k])[0] for k in range(len(names))]
    with house_style():
        key_above(figure, names, lines)
    (key,) = figure.legends
    handles = zip(key.get_texts(), key.get_lines(), strict=True)
    colours = {text.get_text(): line.get_color() for text, line in handles}
    assert [colours[name] for name in names] == [line.get_color() for line in lines]
