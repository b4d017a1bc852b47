"""What became of an input, in a sentence."""

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePath

from reportgen.changes.records import Changes, DatasetChange, InputChange
from reportgen.changes.said import Said, Sentence, because
from reportgen.numbers import bytes_text, count, listed
from reportgen.summary import Status

_ROUNDED = 0.02  # a smaller part of a size is lost in its three digits


def short_names(changes: Changes) -> dict[str, str]:
    """Give a name for each input: the file's, or its path where two files have one name."""
    paths = [change.path for change in changes.inputs]
    names = Counter(PurePath(path).name for path in paths)
    return {
        path: name if names[name := PurePath(path).name] == 1 and name else path for path in paths
    }


def say_input(change: InputChange, name: str) -> Said:
    """Say what became of an input."""
    statuses: dict[str, Status] = {
        "unreadable": "error",
        "still_unreadable": "error",
        "readable": "ok",
    }
    why = because(change.error)
    text = {
        "unreadable": f"could not be read{why}",
        "still_unreadable": f"still cannot be read{why}",
        "gone": f"is not read any more{_extent(change, 'before', ' before')}.",
        "shrunk": f"shrank{_growth(change)}.",
        "changed": f"has other content{_other_content(change)}.",
        "unknown": "could not be compared: its checksum is not known.",
        "new": f"is a new input{_extent(change, 'after')}.",
        "grown": f"grew{_growth(change)}.",
        "readable": "can be read again.",
        "moved": "has the same content as before.",
    }[change.kind]
    if change.path_before:
        text += f" It was read from {change.path_before}, and is now from {change.path}."
    sentence = Sentence(text=f"{name} {text}", status=statuses.get(change.kind))
    return Said(f"input {change.kind}", sentence)


def _growth(change: InputChange) -> str:
    """Say from how many to how many rows and bytes; nothing when neither changed."""
    moved = [d for d in change.datasets if None not in (d.before, d.after) and d.before != d.after]
    counts = dict.fromkeys((d.before or 0, d.after or 0, d.entries) for d in moved)
    parts = [_rows(d) if len(counts) == 1 else f"in {d.name} {_rows(d)}" for d in moved]
    if len(counts) == 1:
        parts = parts[:1]
    one, other = change.bytes_before, change.bytes_after
    if one is not None and other is not None and one != other:
        parts.append(_bytes(one, other))
    elif one is not None and moved:
        parts.append("in as many bytes")
    return f" {listed(parts)}" if parts else ""


def _other_content(change: InputChange) -> str:
    if growth := _growth(change):
        return f",{growth}"
    return "" if change.bytes_before is None else " of the same size"


def _rows(change: DatasetChange) -> str:
    return f"from {count(change.before or 0)} to {count(change.after or 0)} {change.entries}"


def _bytes(before: int, after: int) -> str:
    if abs(after - before) < _ROUNDED * max(before, after):
        return f"from {count(before)} to {count(after)} bytes"
    return f"from {bytes_text(before)} to {bytes_text(after)}"


def _extent(change: InputChange, side: str, when: str = "") -> str:
    counts = {(getattr(d, side), d.entries) for d in change.datasets}
    parts = [f"{count(n)} {entries}" for n, entries in counts if n is not None and len(counts) == 1]
    if len(counts) > 1:
        parts = [f"{count(getattr(d, side))} {d.entries} in {d.name}" for d in change.datasets]
    size = change.bytes_before if side == "before" else change.bytes_after
    parts += [] if size is None else [bytes_text(size)]
    return f": {listed(parts)}{when}" if parts else ""


def say_unchanged(changes: Changes) -> Iterator[Said]:
    """Say which inputs are the same, in one sentence."""
    names = short_names(changes)
    same = [names[change.path] for change in changes.inputs if change.kind == "unchanged"]
    if same:
        verb = "is" if len(same) == 1 else "are"
        yield Said("input unchanged", Sentence(text=f"{listed(same)} {verb} unchanged."))
