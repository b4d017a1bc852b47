"""Fonts inside the document: the characters that it uses, of the faces that come with reportgen."""

import re
from base64 import b64encode
from functools import lru_cache
from io import BytesIO

from reportgen.style import FONT_FILES, font_path

# Digits and signs are in every face, whatever the page says, so that numbers keep one face.
ALWAYS = "".join(map(chr, range(0x20, 0x7F))) + "\u00a0\u2007\u2008–—−×·…"

_SLANTED = re.compile(r"\bitalic\b|<(em|i|cite|dfn|var|address)\b")


def font_faces(page: str) -> str:
    """Give @font-face rules with the characters of a page, as data: addresses."""
    characters = "".join(sorted(set(page) | set(ALWAYS)))
    slanted = _SLANTED.search(page) is not None
    return "\n".join(
        f"@font-face {{ font-family: '{family}'; font-style: {style}; font-weight: {weight}; "
        f"src: url(data:font/woff2;base64,{_subset(name, characters)}) format('woff2'); }}"
        for (family, style, weight), name in FONT_FILES.items()
        if slanted or style == "normal"
    )


@lru_cache(maxsize=32)
def _subset(name: str, characters: str) -> str:
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    options = Options()
    options.flavor = "woff2"
    options.layout_features = ["kern", "liga", "tnum", "lnum", "mark", "mkmk", "ccmp", "locl"]
    options.drop_tables += ["DSIG"]
    buffer = BytesIO()
    with TTFont(font_path(name), recalcTimestamp=False, lazy=True) as font:  # lazy: twice as fast
        subsetter = Subsetter(options)
        subsetter.populate(text=characters)
        subsetter.subset(font)
        font.flavor = "woff2"
        font.save(buffer)
    return b64encode(buffer.getvalue()).decode("ascii")
