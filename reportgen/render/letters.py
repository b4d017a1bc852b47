"""Where the letters of a text stand, found once: in a figure most labels come several times.

Matplotlib asks HarfBuzz for it whenever a text is drawn, and loads every letter again.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from inspect import signature
from types import SimpleNamespace
from typing import Any

POINTS = 72  # to an inch: the resolution of SVG and PDF


class Font:
    """Properties of a font as a key: those of matplotlib can change, and their hash with them."""

    def __init__(self, properties: Any) -> None:
        self.properties = properties
        self._hash = hash(properties)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Font) and self._hash == other._hash


@cache
def is_known() -> bool:
    """Say whether matplotlib places letters as it is known here."""
    from matplotlib import _text_helpers
    from matplotlib.textpath import TextToPath

    takes = {"features", "language"}
    functions = (TextToPath.get_glyphs_with_font, _text_helpers.layout)
    return all(takes <= signature(function).parameters.keys() for function in functions)


@cache
def letters_of_paths() -> Any:
    """Give what finds the paths of letters, as matplotlib's TextToPath."""
    from matplotlib import textpath

    if not is_known():
        return textpath.TextToPath()
    base: Any = textpath.TextToPath

    class Paths(base):  # type: ignore[misc]
        """Places letters once for each text, and finds each letter's path once."""

        def _get_font(self, prop: Any) -> Any:
            font = opened(Font(prop))
            font.set_size(self.FONT_SCALE, self.DPI)
            return font

        def get_glyphs_with_font(
            self,
            font: Any,
            s: str,
            glyph_map: Any = None,
            return_new_glyphs_only: bool = False,
            *,
            features: Any = None,
            language: Any = None,
        ) -> Any:
            """Give letters with their places, paths of those that are new, and no rectangles."""
            known = OrderedDict() if glyph_map is None else glyph_map
            new = OrderedDict() if return_new_glyphs_only else known
            letters = []
            for item in _placed(font, s, self.FONT_SCALE, features, language):
                name = self._get_glyph_repr(item.ft_object, item.glyph_index)
                letters.append((name, item.x, item.y, 1.0))
                if name not in known:
                    new[name] = _path(item.ft_object, item.glyph_index, self.FONT_SCALE)
            return letters, new, []

    return Paths()


@contextmanager
def letters_placed_once(renderer: Any) -> Iterator[None]:
    """Let a renderer of PDF place letters once for each text."""
    from matplotlib.backends import backend_pdf

    module: Any = backend_pdf
    before = module._text_helpers
    if not is_known():
        yield
        return
    size = 0.0

    def font_of(properties: Any) -> Any:
        nonlocal size
        size = properties.get_size_in_points()
        font = opened(Font(properties))
        font.clear()
        font.set_size(size, POINTS)
        return font

    def layout(string: str, font: Any, *, features: Any = None, language: Any = None) -> Any:
        return _placed(font, string, size, features, language)

    renderer._get_font_ttf = font_of
    module._text_helpers = SimpleNamespace(layout=layout)
    try:
        yield
    finally:
        module._text_helpers = before


@lru_cache(maxsize=256)
def opened(font: Font) -> Any:
    """Give the open file of a font, with those that have the signs that it lacks."""
    from matplotlib.font_manager import fontManager, get_font

    return get_font(fontManager._find_fonts_by_props(font.properties))


@lru_cache(maxsize=4096)
def _placed(font: Any, text: str, size: float, features: Any, language: Any) -> Any:
    """Give the letters of a text with their places. size: which the font has been set to."""
    from matplotlib.ft2font import LoadFlags

    return font._layout(text, LoadFlags.NO_HINTING, features=features, language=language)


@lru_cache(maxsize=4096)
def _path(font: Any, letter: int, size: float) -> Any:
    """Give the outline of a letter. size: which the font has been set to."""
    from matplotlib.ft2font import LoadFlags

    font.load_glyph(letter, flags=LoadFlags.NO_HINTING)
    return font.get_path()
