"""What changed between two runs as one page, without network, and as good without scripts."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from markupsafe import Markup

from reportgen.config.columns import unit_symbol, with_unit
from reportgen.quality.diff.records import Changes, ComparedRun, MetricChange, MetricKind
from reportgen.quality.quantities import (
    before_and_after,
    quantity,
    signed_change,
    times,
)
from reportgen.record import ChangeRecord, FigureRecord, Summary, own_file
from reportgen.render.fonts import render_with_fonts
from reportgen.render.statuses import WORDS
from reportgen.render.svg import inline_svg, page_styles
from reportgen.wording import MISSING

Part = TypeVar("Part")
PairOf = tuple[Part, Part]
MOST_PAIRS = 12  # figures of both nights; the reports have all

_KINDS: dict[MetricKind, str] = {
    "missing": "no value now",
    "moved": "moved",
    "unit": "other unit",
    "gone": "gone",
    "differs": "differs",
    "available": "has a value now",
    "new": "new",
    "within": "within its usual scatter",
}


@dataclass(frozen=True)
class NumberView:
    """A metric in both runs, in words."""

    key: str
    title: str
    label: str
    before: str
    after: str
    change: str
    scatter: str
    kind: str
    loud: bool


@dataclass(frozen=True)
class PairView:
    """A figure that differs: as it was and as it is."""

    title: str
    section: str
    wide: bool
    before: Markup
    after: Markup


def render_diff(
    before: Summary,
    after: Summary,
    changes: Changes,
    sentences: Sequence[ChangeRecord],
    noise: str,
    *,
    folders: tuple[Path, Path] | None = None,
) -> bytes:
    """Return the page. sentences: the changes in words. noise: what is known of usual scatter.

    folders: of the two runs, whose figures are shown where they differ; None for none.
    The templates are those of the later run, if their folder is still there.
    """
    styles: dict[str, str] = {}
    differing = [] if folders is None else list(_differing(before, after, folders))
    own = after.configuration.templates
    configuration = changes.configuration
    view = {
        "title": after.report.title,
        "field": after.report.field,
        "language": after.report.language,
        "before": changes.before,
        "after": changes.after,
        "other_report": "" if before.report.id == after.report.id else before.report.title,
        "headline": _headline(changes),
        "noise": noise,
        "synthetic": bool(before.run.synthetic or after.run.synthetic),
        "sentences": sentences,
        "no_numbers": _no_numbers(before, after),
        "pairs": [_pair(n, each, styles) for n, each in enumerate(differing[:MOST_PAIRS])],
        "more_pairs": len(differing[MOST_PAIRS:]),
        "numbers": [_number(each) for each in changes.metrics],
        "diff": [] if configuration is None else [_line(each) for each in configuration.diff],
        "more": 0 if configuration is None else configuration.more,
    }
    own = own if own and Path(own).is_dir() else ""
    context = {"view": view, "words": WORDS, "when": _when, **page_styles(styles)}
    return render_with_fonts("diff.html.j2", own, **context).encode()


def _differing(
    before: Summary, after: Summary, folders: tuple[Path, Path]
) -> Iterator[tuple[str, PairOf[FigureRecord], PairOf[str]]]:
    """Yield figures of both runs that are not drawn alike: name of their section, records, SVG.

    What is in one run only, or not there any more, is left out.
    """
    earlier = {(s.id, figure.id): figure for s in before.sections for figure in s.figures}
    for section in after.sections:
        for figure in section.figures:
            former = earlier.get((section.id, figure.id))
            if former is not None:
                with suppress(OSError, KeyError):
                    old, new = (
                        own_file(folder, one.files["svg"]).read_text(encoding="utf-8")
                        for folder, one in zip(folders, (former, figure), strict=True)
                    )
                    if old != new:
                        yield section.title, (former, figure), (old, new)


def _pair(
    place: int,
    named: tuple[str, PairOf[FigureRecord], PairOf[str]],
    styles: dict[str, str],
) -> PairView:
    section, figures, texts = named
    old, new = (
        # The SVG is our own; its alt text is quoted on the way.
        Markup(inline_svg(text, f"{when}-{place}", figure.alt, styles))  # noqa: S704
        for when, figure, text in zip(("before", "after"), figures, texts, strict=True)
    )
    return PairView(figures[1].title, section, figures[1].width == "full", old, new)


def _headline(changes: Changes) -> str:
    if changes.is_empty:
        return "Nothing changed."
    sources = sum(c.kind in {"unreadable", "shrunk"} for c in changes.inputs)
    worse = sum(c.kind in {"new", "worse"} for c in changes.verdicts)
    idle = sum(c.kind in {"waived", "unchecked"} for c in changes.verdicts)
    broken = sum(c.kind in {"error", "gone"} for c in changes.sections)
    moved = sum(c.kind == "moved" for c in changes.metrics)
    other = sum(c.kind in {"missing", "gone", "unit", "differs"} for c in changes.metrics)
    parts = [
        (broken, "section was lost", "sections were lost"),
        (sources, "source shrank or cannot be read", "sources shrank or cannot be read"),
        (worse, "verdict became worse", "verdicts became worse"),
        (idle, "verdict does not count any more", "verdicts do not count any more"),
        (
            moved,
            "number moved beyond its usual scatter",
            "numbers moved beyond their usual scatter",
        ),
        (other, "number differs or is missing", "numbers differ or are missing"),
    ]
    words = [f"{n} {one if n == 1 else many}" for n, one, many in parts if n]
    return f"{', '.join(words)}." if words else "No section, source or check became worse."


def _no_numbers(before: Summary, after: Summary) -> str:
    """Return what to say where no number differs."""
    sections = [{s.id for s in run.sections if s.status != "error"} for run in (before, after)]
    if sections[0] & sections[1]:
        return "The numbers of all sections that were computed in both runs are the same."
    return "No section was computed in both runs, so that no number is compared."


def _when(run: ComparedRun) -> str:
    started = datetime.fromisoformat(run.started)
    return f"{started.day} {started:%B %Y, %H:%M}"


def _number(change: MetricChange) -> NumberView:
    one = other = MISSING
    if change.before is not None:
        one = quantity(change.before, change.unit_before, change.digits)
    if change.after is not None:
        other = quantity(change.after, change.unit, change.digits)
    moved = ""
    if change.before is not None and change.after is not None and change.change is not None:
        one, other = before_and_after(change.before, change.after, change.unit, change.digits)
        one = one if unit_symbol(change.unit) in one else with_unit(one, change.unit)
        moved = signed_change(change.before, change.after, change.unit, change.digits)
    return NumberView(
        key=f"{change.section}.{change.metric}",
        title=change.title,
        label=change.label,
        before=one,
        after=other,
        change=moved,
        scatter="" if change.times is None else times(change.times),
        kind=_KINDS[change.kind],
        loud=change.kind not in {"within", "new", "available"},
    )


def _line(text: str) -> tuple[str, str]:
    kinds = {"+": "added", "-": "removed", "@": "place"}
    head = text.startswith(("+++", "---"))
    return ("place" if head else kinds.get(text[:1], "same"), text)
