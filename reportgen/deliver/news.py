"""Whether a run is worth a message, by what the configuration wants to hear of."""

from reportgen.config.deliver import When
from reportgen.summary import Summary

# What is not in it is only told with other news: what stays as it was, and what grows every night.
NOTABLE = frozenset(
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
"""Kinds of changes that are news."""


def needs_attention(summary: Summary) -> bool:
    """Say whether anything is not ok: a verdict, the configuration, or the history."""
    return summary.run.status != "ok" or bool(summary.mistakes or summary.history.error)


def has_changed(summary: Summary) -> bool:
    """Say whether the run differs from the last night's in what matters.

    A first run does, and so does one that could not be compared or lacks a document.
    """
    last = next((since for since in summary.since if not since.name), None)
    if last is None or last.error:
        return True
    if any(document.error for document in summary.documents.values()):
        return True
    return any(change.kind in NOTABLE for change in last.changes)


def is_worth_telling(summary: Summary, when: When) -> bool:
    """Say whether the configuration wants to hear of a run."""
    if when == "change":
        return has_changed(summary)
    return when == "always" or needs_attention(summary)
