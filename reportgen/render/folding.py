"""Texts that must fit: cut to a length, or folded into lines."""

from textwrap import wrap

TEXT_WIDTH = 72  # columns; what a mail in plain text is read at


def clip(text: str, most: int) -> str:
    """Give a text of so many characters at most, an ellipsis where it was cut."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def fold(text: str, indent: str = "") -> str:
    """Give a text in lines that fit a terminal; each but the first is indented."""
    lines: list[str] = []
    for line in text.splitlines() or [""]:
        lines += wrap(
            line,
            TEXT_WIDTH,
            initial_indent="" if not lines else indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(lines)
