"""What changed between two runs, as plain records."""

from typing import Literal

from reportgen.record import Entries, Record, Status

InputKind = Literal[
    "unreadable",
    "gone",
    "shrunk",
    "changed",
    "still_unreadable",
    "unknown",
    "moved",
    "new",
    "grown",
    "readable",
    "unchanged",
]
"""unreadable: it cannot be read now. changed: other content of the same size, or more rows here
and fewer there. unknown: there is no checksum. moved: the same content at another path."""

MetricKind = Literal["missing", "moved", "unit", "gone", "differs", "available", "new", "within"]
"""moved: beyond its noise, which history supports. differs: there is no noise to compare with.
within: its noise. unit: another unit, so values are not compared."""

VerdictKind = Literal["new", "worse", "still", "better", "waived", "unchecked", "recovered"]
"""unchecked: it did not hold, and now nothing tests it."""

SectionKind = Literal["error", "gone", "still_in_error", "new", "recovered"]


class ComparedRun(Record):
    """One of the two runs."""

    report: str
    run: str
    started: str
    status: Status
    partial: bool = False


class DatasetChange(Record):
    """Rows of a dataset; null on the side that did not read it."""

    name: str
    entries: Entries = "rows"
    before: int | None = None
    after: int | None = None


class InputChange(Record):
    """A file that was read in one run or in both."""

    path: str
    path_before: str = ""
    """Where it was before; empty when it was there too, or is new."""
    kind: InputKind
    bytes_before: int | None = None
    bytes_after: int | None = None
    datasets: tuple[DatasetChange, ...] = ()
    error: str = ""
    """Why it cannot be read now."""


class MetricChange(Record):
    """A metric that is not the same in both runs."""

    section: str
    title: str
    """Of the section."""
    metric: str
    label: str
    kind: MetricKind
    before: float | None = None
    after: float | None = None
    unit_before: str = ""
    unit: str = ""
    digits: int | None = None
    change: float | None = None
    """After less before; null when they cannot be compared."""
    relative: float | None = None
    """Change as a fraction of the value before; null when that says nothing."""
    noise: float | None = None
    """Usual scatter from night to night, in the unit; null when history does not say."""
    times: float | None = None
    """Size of the change in units of the noise; null without noise, and where that is 0."""


class VerdictChange(Record):
    """A check that does not hold, or did not."""

    section: str
    """Id of the section; empty for a check of the whole run."""
    title: str
    """Of the section."""
    name: str
    """Id of the check."""
    label: str
    """What the check asks for."""
    kind: VerdictKind
    before: Status | None = None
    after: Status | None = None
    waived_before: bool = False
    """Whether it was ok before only because that was accepted."""
    message: str = ""
    """How the check ended, in a sentence."""


class SectionChange(Record):
    """A section that came, went, or could not be computed."""

    section: str
    title: str
    kind: SectionKind
    message: str = ""
    """Why it could not be computed."""


class ConfigurationChange(Record):
    """Another text, or other overrides."""

    diff: tuple[str, ...] = ()
    """Unified diff of the YAML, line by line; the beginning of a long one."""
    more: int = 0
    """How many lines of the diff were left out."""
    added: int = 0
    """Lines of the YAML that are new."""
    removed: int = 0
    text_changed: bool = False
    """Whether the text is another; without added or removed lines only their endings are."""
    overrides_before: tuple[str, ...] = ()
    overrides_after: tuple[str, ...] = ()


class VersionChange(Record):
    """Another version of a package; null where it was not recorded."""

    name: str
    before: str | None = None
    after: str | None = None


class CommitChange(Record):
    """Another git commit, or changes that are not committed; empty outside a repository."""

    before: str = ""
    after: str = ""
    clean_before: bool | None = None
    clean_after: bool | None = None


class Changes(Record):
    """All that changed from one run to another; what stayed bad is listed too."""

    before: ComparedRun
    after: ComparedRun
    inputs: tuple[InputChange, ...] = ()
    """All inputs, unchanged ones too."""
    metrics: tuple[MetricChange, ...] = ()
    verdicts: tuple[VerdictChange, ...] = ()
    sections: tuple[SectionChange, ...] = ()
    configuration: ConfigurationChange | None = None
    versions: tuple[VersionChange, ...] = ()
    commit: CommitChange | None = None
    left_out: tuple[str, ...] = ()
    """Sections that were not compared, because one run was asked to leave them out."""
    beyond: float
    """How many times its noise a metric must change to have moved."""

    @property
    def moved(self) -> bool:
        """Whether a number moved beyond what is usual, went missing, or something became worse."""
        return (
            any(c.kind in {"moved", "differs", "missing", "gone", "unit"} for c in self.metrics)
            or any(c.kind in {"new", "worse"} for c in self.verdicts)
            or any(c.kind in {"error", "gone"} for c in self.sections)
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed; what is as bad as before is no change."""
        return not (
            self.before.report != self.after.report
            or any(c.kind not in {"unchanged", "still_unreadable"} for c in self.inputs)
            or self.metrics
            or any(change.kind != "still" for change in self.verdicts)
            or any(change.kind != "still_in_error" for change in self.sections)
            or self.configuration
            or self.versions
            or self.commit
            or self.left_out
        )
