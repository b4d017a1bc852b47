"""Fonts inside a page: the faces that come with reportgen, as WOFF2."""

import re
from base64 import b64encode
from functools import cache

from reportgen.style import FONT_FILES, font_path

_SLANTED = re.compile(r"italic|<(em|i|cite|dfn|var|address)\b")


def font_faces(page: str) -> str:
    """Return @font-face rules of the faces that a page needs, as data: addresses."""
    is_slanted = _SLANTED.search(page) is not None
    return "\n".join(
        f"@font-face {{ font-family: '{family}'; font-style: {style}; font-weight: {weight}; "
        f"src: url(data:font/woff2;base64,{_face(name)}) format('woff2'); }}"
        for (family, style, weight), name in FONT_FILES.items()
        if is_slanted or style == "normal"
    )


@cache
def _face(name: str) -> str:
    return b64encode(font_path(name).with_suffix(".woff2").read_bytes()).decode("ascii")
