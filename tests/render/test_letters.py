from collections import Counter

import pytest
from matplotlib import ft2font
from matplotlib.figure import Figure as Drawing
from two_drawings import check_drawn_twofold

from reportgen.render import letters
from reportgen.render.drawings import vector_forms
from reportgen.style import house_style


def drawing_of(*texts, **style):
    with house_style():
        drawing = Drawing(figsize=(3.3, 2.0))
        for place, text in enumerate(texts):
            drawing.text(0.1, 0.9 - 0.15 * place, text, **style)
    return drawing


@pytest.mark.parametrize("size", [7, 8.5, 30])
def test_texts_that_come_again_stand_where_matplotlib_puts_them(size):
    for _ in range(2):
        check_drawn_twofold(drawing_of("AVAToday", "AVAToday", "10 µJy ☉", "☉", size=size))


@pytest.mark.parametrize("style", [{"fontstyle": "italic"}, {"weight": 600}, {"family": "Cmr10"}])
def test_a_text_in_another_font_is_another_text(style):
    check_drawn_twofold(drawing_of("Flux", "3.6 x"))
    check_drawn_twofold(drawing_of("Flux", "3.6 x", **style))


def test_features_of_fonts_are_kept():
    check_drawn_twofold(drawing_of("AVATAR 10/3", "office"))
    check_drawn_twofold(
        drawing_of("AVATAR 10/3", "office", fontfeatures=("-kern", "-liga", "frac"))
    )


def test_each_text_is_placed_once_for_each_form(monkeypatch):
    placed = Counter()
    find = letters._placed.__wrapped__

    def counting(font, text, *others):
        placed[text] += 1
        return find(font, text, *others)

    letters._placed.cache_clear()
    monkeypatch.setattr(letters, "_placed", letters.lru_cache(counting))
    with house_style():
        drawing = drawing_of(*["again"] * 4, "once")
        vector_forms(drawing, "A figure")
    assert placed == {"again": 2, "once": 2}


@pytest.fixture
def unknown(monkeypatch):
    monkeypatch.setattr(letters, "is_known", lambda: False)
    letters.letters_of_paths.cache_clear()
    yield
    letters.letters_of_paths.cache_clear()


@pytest.mark.usefixtures("unknown")
def test_a_matplotlib_that_is_not_known_places_letters_itself():
    check_drawn_twofold(drawing_of("Flux", "Flux", "10 µJy ☉"))


def test_the_matplotlib_that_is_installed_is_known():
    assert letters.is_known()
    assert hasattr(ft2font.FT2Font, "_layout")
