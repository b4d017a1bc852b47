"""What is wrong with a YAML file: where, under which key, and what."""

from collections.abc import Iterable
from dataclasses import dataclass

from reportgen.errors import ConfigError

KeyPath = tuple[str | int, ...]
MOST_PROBLEMS = 50  # that are listed; a list may have thousands of wrong items


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where in the text, under which key, and what."""

    place: str
    path: KeyPath
    message: str

    def __str__(self) -> str:
        # A value may be as long as the file, and messages of others repeat it.
        key, message = shortened(dotted(self.path), 200), shortened(self.message, 500)
        return f"{self.place}: {key}: {message}" if key else f"{self.place}: {message}"


def dotted(path: Iterable[str | int]) -> str:
    """Return a path as text: ``sections.flux.columns[2]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def problems_error(problems: Iterable[Problem]) -> ConfigError:
    """Return one error of all problems, a line each; of very many, the first."""
    lines = list(dict.fromkeys(str(problem) for problem in problems))
    more = [f"and {len(lines) - MOST_PROBLEMS} more"] * (len(lines) > MOST_PROBLEMS)
    return ConfigError("\n".join([*lines[:MOST_PROBLEMS], *more]))


def shortened(text: str, most: int = 60) -> str:
    """Return the start of a long text."""
    return text if len(text) <= most else f"{text[:most]}…"
