"""Runs to tell of: what their records say of who is told, how, and whether there is news."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from reportgen.config.deliver import DeliverBlock, When
from reportgen.errors import ConfigError
from reportgen.record import Summary, read_summary

HOW = "add a block deliver: to the configuration and build the report, see docs/mail.md"

# What is not in it is only told with other news: what stays as it was, and what grows every night.
NEWS = frozenset(
    {
        "other report",
        "section error",
        "section gone",
        "section new",
        "section recovered",
        "verdict new fail",
        "verdict new warn",
        "verdict worse",
        "verdict better",
        "verdict recovered",
        "verdict unchecked",
        "verdict waived",
        "metric missing",
        "metric moved",
        "metric unit",
        "metric gone",
        "metric available",
        "input unreadable",
        "input readable",
        "input gone",
        "input shrunk",
    }
)
"""Kinds of changes since the last night that are worth a message."""


@dataclass(frozen=True)
class Run:
    """A run folder and its record."""

    folder: Path
    summary: Summary


def read_runs(folders: Sequence[Path]) -> tuple[Run, ...]:
    """Return the runs in folders, each once. Raises ConfigError for what is no run."""
    distinct = dict.fromkeys(folder.resolve() for folder in folders)
    return tuple(Run(folder, read_summary(folder)) for folder in distinct)


def delivery_settings(run: Run) -> DeliverBlock:
    """Return what the configuration of a run says of its delivery.

    Raises ConfigError for what this version does not understand.
    """
    try:
        return DeliverBlock.model_validate(run.summary.configuration.deliver)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{run.folder}: summary.json: configuration.deliver.{where}: {first['msg']}",
            "build the report again with this version of reportgen",
        ) from None


def is_worth_telling(summary: Summary, when: When) -> bool:
    """Say whether the configuration wants to hear of a run."""
    if when == "change":
        return _has_changed(summary)
    bad = summary.run.status != "ok" or bool(summary.mistakes or summary.history.error)
    return when == "always" or bad


def _has_changed(summary: Summary) -> bool:
    """Say whether a run differs from the last night's in what matters.

    A first run does, and so does one that could not be compared or lacks a document.
    """
    last = next((since for since in summary.since if not since.name), None)
    if last is None or last.error:
        return True
    if any(document.error for document in summary.documents.values()):
        return True
    return any(change.kind in NEWS for change in last.changes)
