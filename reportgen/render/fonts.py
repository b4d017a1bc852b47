"""Fonts inside the document: the characters that it uses, of the faces that come with reportgen."""

import re
from base64 import b64encode
from functools import lru_cache

from reportgen.style import FONT_FILES, font_path

# Digits and signs are in every face, whatever the page says, so that numbers keep one face.
ALWAYS = "".join(map(chr, range(0x20, 0x7F))) + "\u00a0\u2007\u2008–—−×·…"

# Of OpenType: what the style sheets ask for, and what places glyphs well.
FEATURES = ("kern", "liga", "tnum", "lnum", "mark", "mkmk", "ccmp", "locl")

_SLANTED = "italic", "<em", "<i", "<cite", "<dfn", "<var", "<address"
_ASCII = bytes(range(128))


def font_faces(page: str) -> str:
    """Give @font-face rules with the characters of a page, as data: addresses."""
    # A page is megabytes of ASCII, which all faces have, and little else.
    others = page.encode().translate(None, delete=_ASCII).decode()
    characters = "".join(sorted(set(others) | set(ALWAYS)))
    slanted = any(word in page and re.search(rf"{word}\b", page) for word in _SLANTED)
    return "\n".join(
        f"@font-face {{ font-family: '{family}'; font-style: {style}; font-weight: {weight}; "
        f"src: url(data:font/ttf;base64,{_subset(name, characters)}) format('truetype'); }}"
        for (family, style, weight), name in FONT_FILES.items()
        if slanted or style == "normal"
    )


@lru_cache(maxsize=32)
def _subset(name: str, characters: str) -> str:
    import uharfbuzz

    chosen = uharfbuzz.SubsetInput()
    chosen.sets(uharfbuzz.SubsetInputSets.UNICODE).set(set(map(ord, characters)))
    features = chosen.sets(uharfbuzz.SubsetInputSets.LAYOUT_FEATURE_TAG)
    features.set({int.from_bytes(feature.encode(), "big") for feature in FEATURES})
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(font_path(name))))
    # Not as WOFF2: that makes a page smaller by 20 kB a face, and takes a hundred times as long.
    return b64encode(uharfbuzz.subset(face, chosen).blob.data).decode("ascii")
