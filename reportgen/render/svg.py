"""Figures inside the page: one SVG per figure, its colours following light and dark."""

import re

from markupsafe import escape

from reportgen.style import DARK

_PROLOG = re.compile(r"^.*?(?=<svg\b)", re.DOTALL)
_UNSEEN = re.compile(
    r"<!--.*?-->\s*|<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<title>.*?</title>", re.DOTALL
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

CSS_PIXELS_PER_POINT = 96 / 72


def inline_svg(text: str, prefix: str, alt: str) -> str:
    """Return the SVG of a figure for the body of a page.

    prefix: put before every id, so that the figures of one page cannot take each other's marks.
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
    body = _OPENING.sub(lambda _: opening, body, count=1)
    for before_id in _BEFORE_IDS:
        body = before_id.sub(rf"\g<0>{prefix}-", body)
    return _COLOUR.sub(lambda match: f"var({variable(match[0].lower())})", body).strip()


def variable(colour: str) -> str:
    """Return the CSS variable of a colour of the house style."""
    return f"--fig-{colour.removeprefix('#')}"


def colour_variables(*, dark: bool) -> str:
    """Return the CSS that sets each colour of the house style."""
    return " ".join(
        f"{variable(light)}: {night if dark else light};" for light, night in DARK.items()
    )
