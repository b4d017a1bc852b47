"""What can go wrong for a user: each kind has a message, a hint and an exit code."""

from collections.abc import Sequence
from enum import IntEnum


class ExitCode(IntEnum):
    """What the command line returns; documented in README.md."""

    OK = 0
    CHECK_FAILED = 1
    CONFIG = 2
    SECTION = 3
    DELIVERY = 4
    SOURCE = 5


class ReportgenError(Exception):
    """An error that a user can mend: shown as a message and a hint, never as a traceback."""

    exit_code = ExitCode.SECTION

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[type["ReportgenError"], tuple[str, str]]:
        # Exceptions cross process borders; the default pickling would lose the hint.
        return (type(self), (self.message, self.hint))


def with_hints_once(problems: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return messages and hints with a hint that several have at the last of them only."""
    hints = [hint for _, hint in problems]
    return [
        (message, "" if hint in hints[place + 1 :] else hint)
        for place, (message, hint) in enumerate(problems)
    ]


class ConfigError(ReportgenError):
    """The configuration or the command line is wrong."""

    exit_code = ExitCode.CONFIG


class SectionError(ReportgenError):
    """A section could not be computed."""

    exit_code = ExitCode.SECTION


class EngineError(ReportgenError):
    """What runs the tasks of scans is not there, or does not go on: the build ends."""

    exit_code = ExitCode.SECTION


class PublishError(ReportgenError):
    """A report could not be written where it should go."""

    exit_code = ExitCode.DELIVERY


class SourceError(ReportgenError):
    """A source is missing or unreadable, or is not what the configuration says."""

    exit_code = ExitCode.SOURCE
