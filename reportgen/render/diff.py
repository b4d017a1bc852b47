"""What changed between two runs as one page, without scripts or network."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from markupsafe import Markup

from reportgen.quality.diff.records import (
    Changes,
    ComparedRun,
    MetricChange,
    MetricKind,
)
from reportgen.quality.quantities import (
    before_and_after,
    has_ratio,
    quantity,
    signed_percent,
    symbol,
    times,
    with_unit,
)
from reportgen.record import ChangeRecord, Status, Summary
from reportgen.render.environment import render_page
from reportgen.render.fonts import font_faces
from reportgen.render.html import FONTS
from reportgen.render.view import WORDS
from reportgen.wording import MISSING

_KINDS: dict[MetricKind, str] = {
    "missing": "no value now",
    "moved": "moved",
    "unit": "other unit",
    "gone": "gone",
    "differs": "differs",
    "available": "has a value now",
    "new": "new",
    "within": "within its scatter",
}


@dataclass(frozen=True)
class RunView:
    """A run in words."""

    id: str
    when: str
    datetime: str
    status: Status
    word: str
    partial: bool


@dataclass(frozen=True)
class SentenceView:
    """A change in words; the first line, and those below it."""

    text: str
    more: str
    status: Status | None
    word: str


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
class DiffView:
    """The page as it is shown."""

    title: str
    field: str
    language: str
    before: RunView
    after: RunView
    other_report: str
    headline: str
    noise: str
    synthetic: bool
    sentences: tuple[SentenceView, ...]
    numbers: tuple[NumberView, ...]
    diff: tuple[tuple[str, str], ...]
    more: int


def render_diff(
    before: Summary, after: Summary, changes: Changes, said: Sequence[ChangeRecord], noise: str
) -> bytes:
    """Return the page. said: the changes in sentences. noise: what is known of the usual scatter.

    The templates are those of the later run, if their folder is still there.
    """
    own = after.configuration.templates
    page = render_page(
        "diff.html.j2",
        own if own and Path(own).is_dir() else "",
        view=_view(before, after, changes, said, noise),
        fonts=Markup(FONTS),  # noqa: S704 - a constant
    )
    return page.replace(FONTS, font_faces(page), 1).encode()


def _view(
    before: Summary, after: Summary, changes: Changes, said: Sequence[ChangeRecord], noise: str
) -> DiffView:
    configuration = changes.configuration
    return DiffView(
        title=after.report.title,
        field=after.report.field,
        language=after.report.language,
        before=_run(changes.before),
        after=_run(changes.after),
        other_report="" if before.report.id == after.report.id else before.report.title,
        headline=_headline(changes),
        noise=noise,
        synthetic=bool(before.run.synthetic or after.run.synthetic),
        sentences=tuple(_sentence(each) for each in said),
        numbers=tuple(_number(each) for each in changes.metrics),
        diff=() if configuration is None else tuple(map(_line, configuration.diff)),
        more=0 if configuration is None else configuration.more,
    )


def _headline(changes: Changes) -> str:
    if changes.is_empty:
        return "Nothing changed."
    worse = sum(c.kind in {"new", "worse"} for c in changes.verdicts)
    broken = sum(c.kind in {"error", "gone"} for c in changes.sections)
    moved = sum(c.kind == "moved" for c in changes.metrics)
    other = sum(c.kind in {"missing", "gone", "unit", "differs"} for c in changes.metrics)
    parts = [
        (broken, "section was lost", "sections were lost"),
        (worse, "verdict became worse", "verdicts became worse"),
        (moved, "number moved beyond its usual scatter", "numbers moved beyond their scatter"),
        (other, "number differs or is missing", "numbers differ or are missing"),
    ]
    words = [f"{n} {one if n == 1 else many}" for n, one, many in parts if n]
    return f"{', '.join(words)}." if words else "Nothing became worse."


def _run(run: ComparedRun) -> RunView:
    started = datetime.fromisoformat(run.started)
    return RunView(
        id=run.run,
        when=f"{started.day} {started:%B %Y, %H:%M}",
        datetime=run.started,
        status=run.status,
        word=WORDS[run.status],
        partial=run.partial,
    )


def _sentence(sentence: ChangeRecord) -> SentenceView:
    first, _, rest = sentence.text.partition("\n")
    word = "" if sentence.status is None else WORDS[sentence.status]
    return SentenceView(first, rest, sentence.status, word)


def _number(change: MetricChange) -> NumberView:
    one = MISSING if change.before is None else _shown(change.before, change.unit_before, change)
    other = MISSING if change.after is None else _shown(change.after, change.unit, change)
    moved = ""
    if change.before is not None and change.after is not None and change.change is not None:
        one, other = before_and_after(change.before, change.after, change.unit, change.digits)
        one = one if symbol(change.unit) in one else with_unit(one, change.unit)
        if change.relative is not None and abs(change.relative) < 10 and has_ratio(change.unit):
            moved = signed_percent(change.relative)
        else:
            moved = _signed(change.change, change)
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


def _shown(value: float, unit: str, change: MetricChange) -> str:
    return quantity(value, unit, change.digits)


def _signed(value: float, change: MetricChange) -> str:
    text = quantity(value, change.unit, None)
    return text if value < 0 else f"+{text}"


def _line(text: str) -> tuple[str, str]:
    """Return a line of a unified diff with its kind."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    head = text.startswith(("+++", "---"))
    return ("place" if head else kinds.get(text[:1], "same"), text)
