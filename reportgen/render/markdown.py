"""Runs as GitHub-flavoured Markdown, for job summaries of GitHub, notes of GitLab and chats.

Every text of a run is shown as it is: what looks like markup, a link, a mention or an emoji in the
title of a section is none. A status is an icon and a word.
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote, urlsplit

from reportgen.errors import ConfigError
from reportgen.record import STATUSES, Status
from reportgen.render.outline import Line, Outline, Part
from reportgen.wording import clip

# A step may write 1 MiB of summary (GitHub, "Workflow commands"); some of it is left to others.
MOST_BYTES = 900_000
MOST_LINES = (50, 20, 8, 3, 1, 0)  # of a list; the first number that makes it short enough
MOST_CHARACTERS = 400  # of one text

_ICONS: dict[Status, str] = {"ok": "✅", "warn": "⚠️", "fail": "❌", "error": "❗"}

_SPACES = re.compile(r"[^\S\u00a0\u2009\u202f]+")  # but for those that keep a number and its unit
_MARKUP = re.compile(r"[*_`\[\]~]")
_ENTITIES = re.compile(r"[&<>|$\\]")  # where a backslash before these is not read as an escape
_LINE_BEGINS = re.compile(r"^(\d{1,9}(?=[.)])|(?=[-+=#]))")  # of lists, headings and rules
# GitHub and GitLab look for these in the finished page, where no backslash is left to stop them:
# mentions, issues and the like, emoji, addresses. An invisible space keeps their parts apart.
_APART = re.compile(
    r"@(?=\w) | ~(?=\w) | [#!&$%](?=\d) | \bGH(?=-\d) | \bwww(?=\.) | :(?=//)"
    r"| :(?=(?!\d\d:)[\w+-]+:)",
    re.VERBOSE | re.IGNORECASE,
)


def escaped(text: str) -> str:
    """Return Markdown that shows a text as it is, in one line, wherever in a line it stands."""
    text = _APART.sub("\\g<0>\u200b", _SPACES.sub(" ", text).strip())
    text = _ENTITIES.sub(lambda found: f"&#{ord(found[0])};", text)
    return _LINE_BEGINS.sub(r"\1\\", _MARKUP.sub(r"\\\g<0>", text), count=1)


def render_markdown(
    outlines: Sequence[Outline], link: str = "", most_bytes: int = MOST_BYTES
) -> str:
    """Return runs as Markdown, the worst first.

    link: where the documents are, an absolute URL of http or https; ConfigError for another.
    most_bytes: lists are cut, and say so, until the text is not longer than that.
    """
    worst_first = sorted(outlines, key=lambda one: STATUSES.index(one.status), reverse=True)
    target = _target(link)
    for most in MOST_LINES:
        texts = ["\n".join(_report(outline, most)) for outline in worst_first]
        said = "\n".join([*texts, *target])
        if len(said.encode()) <= most_bytes:
            return said
    left = 0
    while texts and len(said.encode()) > most_bytes:
        texts.pop()
        left += 1
        are = "report is" if left == 1 else "reports are"
        said = "\n".join([*texts, f"{left} more {are} left out here.\n", *target])
    return said


def _target(link: str) -> list[str]:
    if not link:
        return []
    if urlsplit(link).scheme not in {"http", "https"}:
        raise ConfigError(
            f"--link {link}: is not an address of the web", "give one that begins with https://"
        )
    address = quote(link, safe=":/?#@!$&'()*+,;=%~").replace("&", "&amp;")
    return [f"[The whole report](<{address}>)\n"]


def _report(outline: Outline, most: int) -> Iterator[str]:
    yield f"## {_status(outline.status, outline.word)} · {_cut(outline.title)}\n"
    yield f"**{_cut(outline.verdict)}**\n"
    yield f"{_cut(' · '.join(outline.about))}\n"
    if outline.synthetic:
        yield f"> {_cut(outline.synthetic)}\n"
    for part in outline.parts:
        yield f"### {_cut(part.heading)}\n"
        yield from _list(part, most)
    yield f"### {outline.sections.heading}\n"
    yield from _table(outline.sections, most)


def _list(part: Part, most: int) -> Iterator[str]:
    shown = part.lines[:most]
    first = len(shown) if part.open is None else part.open
    yield from (_item(line) for line in shown[:first])
    yield ""
    if shown[first:]:
        yield f"<details><summary>{len(shown) - first} more</summary>\n"
        yield from (_item(line) for line in shown[first:])
        yield "\n</details>\n"
    yield from _left_out(len(part.lines) - len(shown))


def _item(line: Line) -> str:
    status = "" if line.status is None else f"{_status(line.status, line.word)} "
    title = f"**{_cut(line.title)}**: " if line.title else ""
    return f"- {status}{title}{_cut(line.text)}"


def _table(part: Part, most: int) -> Iterator[str]:
    lines = part.lines
    # The worst are shown where not all are, in the order of the report.
    ranked = sorted(range(len(lines)), key=lambda n: -STATUSES.index(lines[n].status or "ok"))
    shown = [lines[n] for n in sorted(ranked[:most])]
    if shown:
        yield "| Status | Section | Finding |"
        yield "|---|---|---|"
    for line in shown:
        status = "" if line.status is None else _status(line.status, line.word)
        yield f"| {status} | {_cut(line.title)} | {_cut(line.text)} |"
    yield ""
    yield from _left_out(len(lines) - len(shown))


def _left_out(n: int) -> Iterator[str]:
    if n:
        yield f"{n} more {'is' if n == 1 else 'are'} left out here.\n"


def _status(status: Status, word: str) -> str:
    return f"{_ICONS[status]} {word}"


def _cut(text: str) -> str:
    return escaped(clip(text, MOST_CHARACTERS))
