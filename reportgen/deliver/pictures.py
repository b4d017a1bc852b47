"""Which figures a mail shows, and how large."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportgen.deliver.files import read_own
from reportgen.quality.checks.verdicts import troubled_checks
from reportgen.render.saving import PNG_DPI
from reportgen.summary import FigureRecord, SectionRecord, Summary

SCREEN_DPI = 110  # at which a column of a journal fills a phone
WIDEST = 600  # pixels of a mail
MOST_BYTES = 2_000_000  # of one figure; more is for the report
_PNG_HEAD = struct.Struct(">8s4x4sII")  # signature, length of IHDR, its name, width and height


@dataclass(frozen=True)
class Picture:
    """A figure in a mail.

    title: of its section. width: at which it is shown, in pixels. is_drawing: whether it has lines
    and letters only, so that its lightness can be turned for the dark; an image's could not.
    """

    section: str
    title: str
    record: FigureRecord
    png: bytes
    width: int
    is_drawing: bool


def choose_pictures(
    run: Path, summary: Summary, wanted: int | Sequence[str]
) -> tuple[list[Picture], list[str]]:
    """Give the figures for a mail, and what of those that were asked for is not there.

    wanted: how many, one a section: first of what needs attention, then of what moved since the
    last night, then in the order of the report; or their names, ``section.figure`` or ``section``.
    """
    if isinstance(wanted, int):
        return _first(run, summary, wanted), []
    pictures, missing = [], []
    for name in wanted:
        found = next((_picture(run, *one) for one in _named(summary, name)), None)
        if found is None:
            missing.append(name)
        else:
            pictures.append(found)
    return pictures, missing


def _first(run: Path, summary: Summary, most: int) -> list[Picture]:
    pictures: list[Picture] = []
    for section in _by_importance(summary):
        if len(pictures) == most:
            break
        found = (_picture(run, section, figure) for figure in section.figures)
        pictures += [one for one in found if one is not None][:1]
    return pictures


def _by_importance(summary: Summary) -> list[SectionRecord]:
    known = {section.id: section for section in summary.sections}
    order = [section.id for section, _ in troubled_checks(summary) if section is not None]
    last = [since for since in summary.since if not since.name]
    order += [c.section for since in last for c in since.changes if c.kind == "metric moved"]
    return [known[name] for name in dict.fromkeys([*order, *known]) if name in known]


def _named(summary: Summary, name: str) -> Iterator[tuple[SectionRecord, FigureRecord]]:
    for section in summary.sections:
        for figure in section.figures:
            if name in {section.id, f"{section.id}.{figure.id}"}:
                yield section, figure


def _picture(run: Path, section: SectionRecord, figure: FigureRecord) -> Picture | None:
    """Give a figure; None when its PNG is not there or too large for a mail."""
    try:
        png = read_own(run, figure.files["png"])
        signature, name, width, _ = _PNG_HEAD.unpack(png[: _PNG_HEAD.size])
        drawing = read_own(run, figure.files["svg"])
    except (OSError, KeyError, struct.error):
        return None
    if signature != b"\x89PNG\r\n\x1a\n" or name != b"IHDR" or len(png) > MOST_BYTES:
        return None
    return Picture(
        section=section.id,
        title=section.title,
        record=figure,
        png=png,
        width=min(WIDEST, round(width * SCREEN_DPI / PNG_DPI)),
        is_drawing=b"<image" not in drawing,
    )
