"""What changed between two runs: compared from their records, said for people."""

from reportgen.changes.comparing import compare
from reportgen.changes.metrics import BEYOND, TOLERANCE, usual_scatter
from reportgen.changes.records import (
    Changes,
    CommitChange,
    ComparedRun,
    ConfigurationChange,
    DatasetChange,
    InputChange,
    MetricChange,
    SectionChange,
    VerdictChange,
    VersionChange,
)
from reportgen.changes.said import Sentence
from reportgen.changes.sentences import as_text, moved_beyond, sentences

__all__ = [
    "BEYOND",
    "TOLERANCE",
    "Changes",
    "CommitChange",
    "ComparedRun",
    "ConfigurationChange",
    "DatasetChange",
    "InputChange",
    "MetricChange",
    "SectionChange",
    "Sentence",
    "VerdictChange",
    "VersionChange",
    "as_text",
    "compare",
    "moved_beyond",
    "sentences",
    "usual_scatter",
]
