"""How a test ends: it holds, it does not, or it could not be made."""

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True)
class Subject:
    """A number that is tested. value: None when there is none, and why says so."""

    label: str
    value: float | None
    unit: str = ""
    digits: int | None = None
    why: str = ""


class Limits(NamedTuple):
    """What is ok, in the unit of the number; target: what it should be near to."""

    low: float | None = None
    high: float | None = None
    target: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How a test ended. holds: None when it could not be made. said: one sentence."""

    holds: bool | None
    said: str
    wanted: str = ""
    """What was asked for, in words."""
    label: str = ""
    value: float | None = None
    unit: str = ""
    limits: Limits = field(default=Limits())


class Impossible(Exception):  # noqa: N818 - not an error of the program
    """A test cannot be made; the message is a sentence."""
