"""The pages that lead from a report to the night before it.

A run is never changed once it is published, but which night comes before it may: old runs are
deleted, and a night is run again. So a report links to a tiny page beside the runs, written anew
with the list of nights, that leads on at once. The night after is not there yet when a report is
made: the link to all nights leads to where the report stands among them.
"""

from collections.abc import Iterable
from datetime import date
from html import escape
from itertools import pairwise
from urllib.parse import quote

from reportgen.quality.history.records import RunEntry
from reportgen.quality.nights import Night, nights

NEIGHBOURS = "nights"  # the folder of these pages

# Not a template: there is one for each night, and nobody reads them.
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
    """Return the links of a report to the night before it and to the list of nights.

    They are relative to its run folder, by name. known: whether there are other nights.
    """
    before = {"Previous night": f"../{NEIGHBOURS}/{night}-previous.html"} if known else {}
    return before | {"All nights": night_link(night)}


def night_link(night: date) -> str:
    """Return the link of a report to a night in the list of nights."""
    return f"../index.html#{night_id(night)}"


def night_id(night: date) -> str:
    """Return the id of a night in the list of nights."""
    return f"night-{night}"


def neighbour_pages(runs: Iterable[RunEntry]) -> dict[str, bytes]:
    """Return the pages that lead from each night to the one before, by file name.

    Nights without a page to read are passed over.
    """
    known = [night for night in nights(runs) if "html" in night.run.documents]
    return {
        f"{night.date}-previous.html": _page(before)
        for before, night in pairwise([None, *known])
        if night is not None
    }


def _page(night: Night | None) -> bytes:
    if night is None:
        text = "That was the report of the first night."
        return _PAGE.format(refresh="", title="There is no earlier night", text=text).encode()
    target = escape(f"../{quote(night.run.id)}/{quote(night.run.documents['html'])}")
    day = f"{night.date.day} {night.date:%B %Y}"
    return _PAGE.format(
        refresh=f'<meta http-equiv="refresh" content="0; url={target}">\n',
        title="Previous night",
        text=f'<a href="{target}">The report of {day}</a>',
    ).encode()
