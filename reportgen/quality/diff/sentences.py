"""What changed, in sentences for people, worst first."""

from collections.abc import Iterator

from reportgen.quality.diff.records import Changes
from reportgen.quality.diff.wording import (
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
from reportgen.record import ChangeRecord

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
