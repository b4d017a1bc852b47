"""Inputs of two runs: which are new, gone, grown, changed or the same."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath

from reportgen.quality.diff.records import DatasetChange, InputChange, InputKind
from reportgen.record import InputRecord

_LIKENESSES: tuple[Callable[[InputRecord], str | None], ...] = (
    lambda record: record.sha256,
    lambda record: PurePath(record.path).name,
)


def compare_inputs(
    before: Iterable[InputRecord], after: Iterable[InputRecord]
) -> tuple[InputChange, ...]:
    """Return every input of either run, those of the later run first.

    A file that is read from another place is the same input if its content, or else its name,
    is found once in each run: a survey often writes a folder for each night.
    """
    former = {record.path: record for record in before}
    current = {record.path: record for record in after}
    partners = {path: former.pop(path) for path in current if path in former}
    for likeness in _LIKENESSES:
        here = _unique((r for path, r in current.items() if path not in partners), likeness)
        there = _unique(former.values(), likeness)
        for like in here.keys() & there.keys():
            partners[here[like].path] = former.pop(there[like].path)
    changes = [_change(partners.get(path), record) for path, record in current.items()]
    return (*changes, *(_gone(record) for record in former.values()))


def _unique(
    records: Iterable[InputRecord], likeness: Callable[[InputRecord], str | None]
) -> Mapping[str, InputRecord]:
    """Return the records that no other one is like."""
    found = [(like, record) for record in records if (like := likeness(record)) is not None]
    counts = Counter(like for like, _ in found)
    return {like: record for like, record in found if counts[like] == 1}


def _change(before: InputRecord | None, after: InputRecord) -> InputChange:
    return InputChange(
        path=after.path,
        path_before="" if before is None or before.path == after.path else before.path,
        kind="new" if before is None else _kind(before, after),
        bytes_before=None if before is None else before.bytes,
        bytes_after=after.bytes,
        datasets=_datasets(before, after),
        error=after.error,
    )


def _gone(record: InputRecord) -> InputChange:
    return InputChange(
        path=record.path,
        kind="gone",
        bytes_before=record.bytes,
        datasets=_datasets(record, None),
    )


def _kind(before: InputRecord, after: InputRecord) -> InputKind:
    if after.error:
        return "still_unreadable" if before.error else "unreadable"
    if before == after:
        return "unchanged"
    if before.error:
        return "readable"
    if before.identity is not None and before.identity == after.identity:
        return "unchanged" if before.path == after.path else "moved"
    rows = [(change.before, change.after) for change in _datasets(before, after)]
    for pairs in (rows, [(before.bytes, after.bytes)]):
        known = [(one, other) for one, other in pairs if one is not None and other is not None]
        grew = any(one < other for one, other in known)
        shrank = any(one > other for one, other in known)
        if grew or shrank:
            return "changed" if grew and shrank else "grown" if grew else "shrunk"
    return "unknown" if None in (before.identity, after.identity) else "changed"


def _datasets(before: InputRecord | None, after: InputRecord | None) -> tuple[DatasetChange, ...]:
    former = {} if before is None else {d.name: d for d in before.datasets}
    current = {} if after is None else {d.name: d for d in after.datasets}
    return tuple(
        DatasetChange(
            name=name,
            entries=(current.get(name) or former[name]).entries,
            before=former[name].rows if name in former else None,
            after=current[name].rows if name in current else None,
        )
        for name in {**current, **former}
    )
