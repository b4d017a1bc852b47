"""What changed, in sentences for people, worst first."""

from collections.abc import Iterator
from textwrap import wrap

from reportgen.changes.records import Changes
from reportgen.changes.wording import (
    Ranked,
    describe_circumstances,
    describe_input,
    describe_metric,
    describe_section,
    describe_unchanged,
    describe_verdict,
    describe_within,
    short_names,
)
from reportgen.numbers import count
from reportgen.summary import ChangeRecord

_ORDER = (
    "other report",
    "section error",
    "verdict new fail",
    "verdict worse",
    "input unreadable",
    "input gone",
    "metric missing",
    "metric moved",
    "section gone",
    "verdict new warn",
    "input shrunk",
    "input changed",
    "metric unit",
    "metric gone",
    "verdict unchecked",
    "verdict waived",
    "section still_in_error",
    "input still_unreadable",
    "verdict still",
    "verdict better",
    "input unknown",
    "input new",
    "input grown",
    "input moved",
    "input readable",
    "configuration",
    "overrides",
    "versions",
    "commit",
    "metric differs",
    "section recovered",
    "verdict recovered",
    "metric available",
    "section new",
    "metric new",
    "metric within",
    "left out",
    "input unchanged",
)
"""Worst first; after what became bad comes what stayed so, then what explains it, then the good."""

_INDENT = 9  # columns before a sentence

_PLACES = {kind: place for place, kind in enumerate(_ORDER)}


def sentences(changes: Changes) -> tuple[ChangeRecord, ...]:
    """Return what changed, worst first; among changes of a kind the largest first."""
    said = sorted(_described(changes), key=lambda one: (_PLACES[one.kind], -one.size))
    return tuple(one.sentence.model_copy(update={"kind": one.kind}) for one in said)


def _described(changes: Changes) -> Iterator[Ranked]:
    yield from map(describe_section, changes.sections)
    yield from map(describe_verdict, changes.verdicts)
    yield from (describe_metric(change) for change in changes.metrics if change.kind != "within")
    yield from describe_within(changes)
    names = short_names(changes)
    yield from (describe_input(c, names[c.path]) for c in changes.inputs if c.kind != "unchanged")
    yield from describe_unchanged(changes)
    yield from describe_circumstances(changes)


def moved_beyond(changes: Changes) -> bool:
    """Return whether a number moved beyond what is usual, went missing, or became worse."""
    return (
        any(c.kind in {"moved", "differs", "missing", "gone", "unit"} for c in changes.metrics)
        or any(c.kind in {"new", "worse"} for c in changes.verdicts)
        or any(c.kind in {"error", "gone"} for c in changes.sections)
    )


def as_text(changes: Changes, width: int | None = None) -> str:
    """Return what changed for a terminal, with the beginning of the configuration's diff.

    width: columns, beyond which sentences go on below; None for one line each.
    """
    runs = [
        f"{run.report} {run.run} ({'partial, ' if run.partial else ''}{run.status})"
        for run in (changes.before, changes.after)
    ]
    lines = [" → ".join(runs), ""]
    if changes.is_empty:
        lines.append("  Nothing changed.")
    for sentence in sentences(changes):
        first, *rest = _folded(sentence.text.splitlines(), width)
        lines.append(f"  {sentence.status or '·':<5}  {first}")
        lines += [f"         {line}" for line in rest]
    configuration = changes.configuration
    if configuration and configuration.diff:
        lines += ["", *(f"  {line}".rstrip() for line in configuration.diff)]
        lines += [f"  … {count(configuration.more)} more"] if configuration.more else []
    return "\n".join(lines).replace("\u00a0", " ") + "\n"


def _folded(lines: list[str], width: int | None) -> Iterator[str]:
    for line in lines:
        if width is None:
            yield line
        else:
            room = max(20, width - _INDENT)
            yield from wrap(line, room, break_long_words=False, break_on_hyphens=False) or [""]
