"""What statuses are called, and how many of each there are, in words."""

from collections.abc import Mapping

from reportgen.record import Status
from reportgen.wording import count, counted

WORDS: dict[Status, str] = {"ok": "OK", "warn": "Warning", "fail": "Failed", "error": "Error"}
UNREADABLE = "Cannot be read"
_COUNTED: dict[Status, tuple[str, str]] = {
    "ok": ("OK", "OK"),
    "warn": ("with a warning", "with warnings"),
    "fail": ("failed", "failed"),
    "error": ("in error", "in error"),
}


def counted_statuses(counts: Mapping[Status | None, int]) -> list[str]:
    """Return how many there are of each status, best first: ``28 OK``, ``2 with warnings``."""
    return [
        f"{count(counts[status])} {words[counts[status] > 1]}"
        for status, words in _COUNTED.items()
        if counts.get(status)
    ]


def synthetic_note(made_up: int, total: int, thing: str) -> str:
    """Return how many of some reports or nights do not hold observations; empty for none."""
    if not made_up:
        return ""
    if made_up == total:
        return f"No {thing} holds observations."
    do = "does" if made_up == 1 else "do"
    return f"{counted(made_up, f'{thing}s')} {do} not hold observations; each says so in the list."
