"""Characters that none of our fonts has: in a PDF an empty box stands for each."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from html import unescape
from pathlib import Path
from string import punctuation

from reportgen.style import FONT_FILES, font_path
from reportgen.wording import clip, counted, listed

MOST_WORDS, MOST_PLACES = 6, 4  # that are named one by one
MOST_CHARACTERS = 20  # of a word, as it is quoted and as code points

_IN_FIGURES = re.compile(r"<text\b[^>]*>(.*?)</text>", re.DOTALL)
_OF_MATPLOTLIB = re.compile(r"Glyph (\d+) .*missing from font", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
# The contents repeat the titles of sections.
_PASSED_OVER = re.compile(r"<(head|nav|script|style)\b.*?</\1>", re.DOTALL)
_SECTION = re.compile(r"(?=<section\b)")
_ID = re.compile(r"""<section\b[^>]*\bid=["']([^"']*)""")
_DRAWING = re.compile(r"""<img\b[^>]*\bsrc=["']([^"':]*\.svg)["']""")
# Spaces, what cannot be seen, and what chooses between forms of the character before it.
_WITHOUT_GLYPH = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
_VARIATIONS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def missing_characters(text: str) -> list[str]:
    """Return the characters of a text for which there is no glyph, each once."""
    text = _VARIATIONS.sub("", unicodedata.normalize("NFC", text))
    return [
        sign
        for sign in dict.fromkeys(text)
        if ord(sign) not in _characters() and unicodedata.category(sign) not in _WITHOUT_GLYPH
    ]


def named(characters: Iterable[str]) -> str:
    """Return characters as their code points: where they are missing nothing else can be read."""
    return listed([f"U+{ord(sign):04X}" for sign in characters], MOST_CHARACTERS)


def notices_of_page(page: str, run: Path, titles: Mapping[str, str]) -> tuple[str, ...]:
    """Return sentences on the words of a page for a PDF, and of its figures, that lack a glyph.

    Each word is named once, with the sections that it is in. run: where the figures are. titles:
    of the sections, by the id that they have in the page.
    """
    found: dict[str, list[str]] = {}
    for section, text in _texts(page, run):
        title = f"“{titles.get(section, section)}”" if section else "the first page"
        for word in () if text.isascii() else map(_bare, text.split()):
            if missing_characters(word) and title not in found.setdefault(word, []):
                found[word].append(title)
    words = [(word, missing_characters(word), places) for word, places in found.items() if places]
    said = [
        f"The PDF has empty boxes in “{clip(word, MOST_CHARACTERS)}” "
        f"({listed(places, MOST_PLACES)}): its fonts lack {named(missing)}."
        for word, missing, places in words[:MOST_WORDS]
    ]
    if left := words[MOST_WORDS:]:
        characters = dict.fromkeys(sign for _, missing, _ in left for sign in missing)
        said.append(
            f"It has empty boxes in {counted(len(left), 'more words')}: its fonts lack "
            f"{named(characters)}."
        )
    return tuple(said)


def about_figures(warnings: Iterable[str]) -> list[str]:
    """Return warnings, those of matplotlib on single glyphs as one sentence on all of them."""
    others: dict[str, None] = {}
    characters: dict[str, None] = {}
    for warning in warnings:
        if glyph := _OF_MATPLOTLIB.match(warning):
            characters |= dict.fromkeys(missing_characters(chr(int(glyph[1]))))
        else:
            others[warning] = None
    if characters:
        said = f"Figures as PNG and PDF have empty boxes, for the fonts lack {named(characters)}."
        others[said] = None
    return list(others)


def _bare(word: str) -> str:
    return word.strip(punctuation + "“”‘’…")


@cache
def _characters() -> frozenset[int]:
    from fontTools.ttLib import TTFont

    found: set[int] = set()
    for name in FONT_FILES.values():
        with TTFont(font_path(name), lazy=True) as font:
            found |= font.getBestCmap().keys()
    return frozenset(found)


def _texts(page: str, run: Path) -> Iterator[tuple[str, str]]:
    """Yield the texts of a page that are printed, each with the id of the section it is in."""
    section = ""
    for part in _SECTION.split(_PASSED_OVER.sub("", page)):
        if found := _ID.match(part):
            section = found[1]
        for name in _DRAWING.findall(part):
            drawing = (run / name).read_text(encoding="utf-8")
            for text in _IN_FIGURES.findall(drawing):
                yield section, unescape(_TAG.sub("", text))
        yield section, unescape(_TAG.sub(" ", part))
