"""Fonts inside a page: the faces that come with reportgen, as WOFF2."""

import re
from base64 import b64encode
from functools import cache
from typing import Any

from markupsafe import Markup

from reportgen.render.environment import render_page
from reportgen.style import FONT_FILES, MONO, font_path

_FONTS = "/* fonts */"  # stands in the page until it is known whether it has slanted words
_SLANTED = re.compile(r"italic|<(em|i|cite|dfn|var|address)\b")


def render_with_fonts(name: str, own: str, **context: Any) -> str:
    """Return the page that a template makes, with the fonts that it needs; as `render_page`."""
    page = render_page(name, own, fonts=Markup(_FONTS), **context)  # noqa: S704 - a constant
    return page.replace(_FONTS, font_faces(page), 1)


def font_faces(page: str) -> str:
    """Return @font-face rules of the faces that a page needs, as data: addresses."""
    is_slanted, has_code = _SLANTED.search(page) is not None, "<pre" in page
    return "\n".join(
        f"@font-face {{ font-family: '{family}'; font-style: {style}; font-weight: {weight}; "
        f"src: url(data:font/woff2;base64,{_face(name)}) format('woff2'); }}"
        for (family, style, weight), name in FONT_FILES.items()
        if (is_slanted or style == "normal") and (has_code or family != MONO)
    )


@cache
def _face(name: str) -> str:
    return b64encode(font_path(name).with_suffix(".woff2").read_bytes()).decode("ascii")
