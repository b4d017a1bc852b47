"""Words for a name that nobody knows."""

from collections.abc import Iterable
from difflib import get_close_matches

from reportgen.wording import printable_line

MOST_LISTED = 30  # names; a file can hold thousands of datasets
LONGEST = 80  # characters of a name; comparing longer ones is slow and helps nobody


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return that a name is not known, with the nearest that is and a list of all."""
    names = sorted(known)
    shown = name if len(name) <= LONGEST else f"{name[:LONGEST]}…"
    folded = {each.casefold(): each for each in names}
    near = get_close_matches(shown.casefold(), folded, n=1)
    guess = f"; did you mean {folded[near[0]]!r}?" if near else ""
    return f"unknown {kind} {shown!r}{guess} (known: {known_names(names)})"


def known_names(known: Iterable[str]) -> str:
    """Return the names that there are, the first of them where they are many."""
    names = [printable_line(name) for name in sorted(known)]
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return (", ".join(names[:MOST_LISTED]) or "none") + more
