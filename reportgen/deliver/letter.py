"""The two texts of a mail, from their templates: HTML for the eye, plain text for the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reportgen.deliver.contents import Absent, Told
from reportgen.deliver.wording import MARKS, WORDS
from reportgen.render.environment import render_page

MOST_HTML = 80_000  # bytes; Gmail cuts a mail off at 102 kB


@dataclass(frozen=True)
class Most:
    """How much of anything the HTML shows: lines of a list, characters of a text, reports.

    figures: of each report.
    """

    lines: int
    signs: int
    reports: int
    figures: int


# Tried in turn until the page is small enough.
SHORTER = (
    Most(40, 600, 40, 40),
    Most(20, 400, 20, 20),
    Most(10, 300, 10, 10),
    Most(5, 200, 6, 6),
    Most(2, 120, 4, 3),
    Most(1, 60, 2, 1),
)


@dataclass(frozen=True)
class Letter:
    """The texts of a mail."""

    subject: str
    html: str
    text: str


def write_letter(
    subject: str,
    reports: Sequence[Told],
    absent: Sequence[Absent],
    foot: str,
    *,
    templates: str = "",
    language: str = "en",
) -> Letter:
    """Give the texts of a mail on one run or on several, and on those that are absent.

    templates: folder of the user's own; empty for none. The text has everything; the HTML leaves
    out what would make it larger than MOST_HTML, and says so.
    Raises ConfigError for templates that cannot be filled.
    """
    given: dict[str, object] = {
        "subject": subject,
        "reports": reports,
        "absent": absent,
        "language": language,
        "foot": foot,
        "marks": MARKS,
        "words": WORDS,
    }
    text = render_page("mail.txt.j2", templates, **given)
    return Letter(subject, _fitting(given, templates), f"{text.strip()}\n")


def _fitting(given: dict[str, object], templates: str) -> str:
    page = ""
    for page in _pages(given, templates):
        if len(page.encode()) < MOST_HTML:
            break
    return page


def _pages(given: dict[str, object], templates: str) -> Iterator[str]:
    from css_inline import CSSInliner

    # No files, no network: all styles stand in the page.
    inliner = CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)
    for most in SHORTER:
        page = render_page("mail.html.j2", templates, most=most, **given)
        yield inliner.inline(page)
