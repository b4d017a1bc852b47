"""The pages that lead from a report to the night before and after it.

A run is never changed once it is published, and which night follows is known only later; which one
comes before changes, too, when old runs are deleted or a night is run again. So a report links to
a tiny page beside the runs, written anew with the list of nights, that leads on at once.
"""

from collections.abc import Iterable
from datetime import date
from html import escape
from itertools import pairwise
from urllib.parse import quote

from reportgen.quality.nights import Night, RunEntry, nights

NEIGHBOURS = "nights"  # the folder of these pages

# Not a template: there are two for each night, and nobody reads them.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
{refresh}<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
<p><a href="../index.html">All nights</a></p>
</main>
</body>
</html>
"""


def night_links(night: date, *, known: bool) -> dict[str, str]:
    """Return the links of a report to the nights before and after it and to the list of nights.

    They are relative to its run folder, by name. known: whether there are other nights.
    """
    pages = f"../{NEIGHBOURS}/{night}"
    others = {"Previous night": f"{pages}-previous.html"}, {"Next night": f"{pages}-next.html"}
    before, after = others if known else ({}, {})
    return before | {"All nights": "../index.html"} | after


def neighbour_pages(runs: Iterable[RunEntry]) -> dict[str, bytes]:
    """Return the pages that lead from each night to its neighbours, by file name.

    Nights without a page to read are passed over.
    """
    known = [night for night in nights(runs) if "html" in night.run.documents]
    pages = {}
    for earlier, later in pairwise([None, *known, None]):
        if later is not None:
            page = _page("Previous night", earlier, "There is no earlier night", "first")
            pages[f"{later.date}-previous.html"] = page
        if earlier is not None:
            page = _page("Next night", later, "There is no later night yet", "newest")
            pages[f"{earlier.date}-next.html"] = page
    return pages


def _page(title: str, night: Night | None, at_end: str, which: str) -> bytes:
    if night is None:
        text = f"That was the report of the {which} night."
        return _PAGE.format(refresh="", title=at_end, text=text).encode()
    target = escape(f"../{quote(night.run.id)}/{quote(night.run.documents['html'])}")
    day = f"{night.date.day} {night.date:%B %Y}"
    return _PAGE.format(
        refresh=f'<meta http-equiv="refresh" content="0; url={target}">\n',
        title=title,
        text=f'<a href="{target}">The report of {day}</a>',
    ).encode()
