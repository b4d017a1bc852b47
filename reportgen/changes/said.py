"""A sentence about a change, and its place among the others."""

from typing import NamedTuple

from reportgen.summary import Record, Status


class Sentence(Record):
    """One thing that changed."""

    text: str
    status: Status | None = None
    """Status of the check, section or input now; null for what has none."""
    section: str = ""
    """Id of the section that it is about."""
    kind: str = ""
    """What it is about and what happened, such as ``metric moved``."""

    def __str__(self) -> str:
        return self.text


class Said(NamedTuple):
    """A sentence with what puts it in its place. size: the largest comes first."""

    kind: str
    sentence: Sentence
    size: float = 0.0


def because(message: str) -> str:
    """Give the end of a sentence: the first line of a message, if there is one."""
    first, _, rest = message.strip().partition("\n")
    if not first:
        return "."
    return f": {first} …" if rest else f": {ended(first)}"


def ended(text: str) -> str:
    """Give a text with a full stop, unless it has an end of its own."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
