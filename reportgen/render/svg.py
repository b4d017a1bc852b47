"""Figures inside the page: one SVG per figure, its colours following light and dark."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from markupsafe import Markup, escape

from reportgen.style import DARK

_PROLOG = re.compile(r"^.*?(?=<svg\b)", re.DOTALL)
_UNSEEN = re.compile(
    r"<!--.*?-->\s*|<metadata>.*?</metadata>\s*|<style[^>]*>.*?</style>|<title>.*?</title>",
    re.DOTALL,
)
_OPENING = re.compile(r"<svg\b[^>]*>")
# What stands before an id. The boundary of the word is looked for last: so Python searches for the
# letters, six times as fast.
_BEFORE_IDS = [
    re.compile(pattern)
    for pattern in (r'id="(?<=\bid=")', r"url\(#(?<=\burl\(#)", r'href="#(?<=\bhref="#)')
]
_VIEW_BOX = re.compile(r'viewBox="([^"]+)"')
_COLOUR = re.compile("|".join(re.escape(colour) for colour in DARK), re.IGNORECASE)
_PNG = re.compile(r"(?<=data:image/png;base64,)[^\"]+")
_OF_VALUES = '<metadata id="values">'
_STYLE = re.compile(r' style="([^"]*)"')
_ID = re.compile(r' id="([^"]*)"')
_USED = re.compile(r'(?:url\(#|href="#)([^)"]*)')
_BLANK = re.compile(r"\s*\n\s*")
_NO_TURN = re.compile(r' transform="rotate\(-?0 [^"]*\)"')

CSS_PIXELS_PER_POINT = 96 / 72
COLOURS = 256  # of an image with a palette


def with_small_images(svg: str) -> str:
    """Return an SVG with the same pictures, those of few colours with a palette.

    Maps have the colours of their scale: with a palette they take a sixth of the room.
    """
    return _PNG.sub(lambda found: _small_image(found[0]), svg)


def _small_image(text: str) -> str:
    import numpy as np
    from PIL import Image

    with Image.open(BytesIO(b64decode(text))) as opened:
        pixels = np.asarray(opened.convert("RGBA"))
    colours, places = np.unique(pixels.view("<u4")[..., 0], return_inverse=True)
    if len(colours) > COLOURS:
        return text
    palette = colours.view(np.uint8).reshape(-1, 4)
    small = Image.fromarray(places.reshape(pixels.shape[:2]).astype(np.uint8))
    small.putpalette(palette[:, :3].tobytes())
    packed = BytesIO()
    small.save(packed, "PNG", optimize=True, transparency=palette[:, 3].tobytes())
    return min(text, b64encode(packed.getvalue()).decode(), key=len)


def with_values(svg: str, values: Sequence[Mapping[str, Any]]) -> str:
    """Return an SVG that carries the values that it shows, as `figure_values` gives them."""
    text = escape(json.dumps(values, ensure_ascii=False, separators=(",", ":")))
    head, end, tail = svg.rpartition("</svg>")
    return f"{head}{_OF_VALUES}{text}</metadata>{end}{tail}"


def inline_svg(text: str, prefix: str, alt: str, styles: dict[str, str]) -> str:
    """Return the SVG of a figure for the body of a page.

    prefix: put before every id, so that the figures of one page cannot take each other's marks.
    styles: the names of classes by what they set; those that the figure needs are added.
    Colours of the house style become variables, which dark mode sets anew.
    """
    body = _UNSEEN.sub("", _PROLOG.sub("", text, count=1))
    view_box = _VIEW_BOX.search(body)
    width, height = view_box[1].split()[2:4] if view_box else ("238", "165")
    opening = (
        f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {width} {height}" '
        f'width="{float(width) * CSS_PIXELS_PER_POINT:.0f}" '
        f'height="{float(height) * CSS_PIXELS_PER_POINT:.0f}" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    used = set(_USED.findall(body))
    body = body.replace(_OF_VALUES, "<metadata>")
    body = _ID.sub(lambda found: found[0] if found[1] in used else "", body)
    for before_id in _BEFORE_IDS:
        body = before_id.sub(rf"\g<0>{prefix}-", body)
    body = _COLOUR.sub(lambda match: f"var({variable(match[0].lower())})", body)
    body = _STYLE.sub(lambda found: _class(found[1], styles), body)
    body = _BLANK.sub(" ", _NO_TURN.sub("", body)).replace("> <", "><").strip()
    return _OPENING.sub(lambda _: opening, body, count=1)


def _class(style: str, styles: dict[str, str]) -> str:
    if "url(#" in style:  # of this figure alone
        return f' style="{style}"'
    return f' class="{styles.setdefault(style, f"f{len(styles)}")}"'


def variable(colour: str) -> str:
    """Return the CSS variable of a colour of the house style."""
    return f"--fig-{colour.removeprefix('#')}"


def page_styles(styles: Mapping[str, str]) -> dict[str, Markup]:
    """Return the CSS that figures of a page need: colours by day and by night, and classes.

    styles: names of classes by what they set, as `inline_svg` named them.
    """
    light = " ".join(f"{variable(colour)}: {colour};" for colour in DARK)
    dark = " ".join(f"{variable(colour)}: {night};" for colour, night in DARK.items())
    classes = "\n".join(f"svg .{name} {{ {style} }}" for style, name in styles.items())
    # Constants, and styles of our own SVG.
    return {"light": Markup(light), "dark": Markup(dark), "classes": Markup(classes)}  # noqa: S704
