"""summary.json: the record of a run, from which every document is made."""

import errno
import json
import os
import stat
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, field_validator

from reportgen.docstrings import Documented
from reportgen.errors import ConfigError
from reportgen.wording import printable

FORMAT = "reportgen-run/1"
FILE = "summary.json"

Status = Literal["ok", "warn", "fail", "error"]
STATUSES: tuple[Status, ...] = ("ok", "warn", "fail", "error")


def _of_the_run(file: str) -> str:
    parts = PurePosixPath(file).parts
    if file.startswith("/") or ".." in parts:
        raise ValueError(f"{file!r} is not a file of the run")
    return file


OwnFile = Annotated[str, AfterValidator(_of_the_run)]
"""A file of the run, relative to its folder: a record from elsewhere must not name others."""

Id = Annotated[str, Field(pattern=r"^[^/\\\x00-\x1f\x7f]*$")]
"""What folders and headers are named after."""

Entries = Literal["rows", "images"]
"""What is counted in a source."""

ErrorKind = Literal["error", "timeout", "memory", "died", "source", "config"]
"""It raised; it ran too long; it used too much memory; its process died; its source or the
configuration is wrong."""


PdfStandard = Literal["ua-1", "a-3a"]


class Record(Documented):
    """Any part of the record; its texts hold nothing that XML or UTF-8 cannot carry."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _printable(cls, value: Any) -> Any:
        if isinstance(value, str):
            return printable(value)
        if isinstance(value, tuple | list) and any(isinstance(item, str) for item in value):
            return tuple(printable(item) if isinstance(item, str) else item for item in value)
        return value


class PastRecord(Record):
    """A metric on an earlier night."""

    night: str
    """Date of the night, ISO 8601."""
    value: float | None = None
    """The number in the unit of today; null when there was none, or it had another unit."""


class MetricRecord(Record):
    """One number of a section."""

    label: str
    value: float | None
    """The number; null when it could not be computed."""
    unit: str = ""
    digits: int | None = None
    """Decimals to show; null lets the number decide."""
    shown: bool = True
    """Whether the report lists it above the figures."""
    verdict: Status | None = None
    """Outcome of the checks on it; null when there are none."""
    past: tuple[PastRecord, ...] = ()
    """Its values on the last nights, oldest first, for those that are checked."""


class ColumnRecord(Record):
    """How a column of a table is shown."""

    name: str
    unit: str = ""
    description: str = ""
    digits: int | tuple[int | None, ...] | None = None
    """Decimals to show, of all rows or of each; null lets the numbers decide."""
    numeric: bool = True
    title: str = ""
    """What the report calls it; its name when empty."""
    shown: bool = True
    """Whether the report has it; files always do."""


class TableRecord(Record):
    """A table and its files, relative to the run folder."""

    id: str
    title: str
    rows: int
    shown: bool
    columns: tuple[ColumnRecord, ...]
    files: Mapping[str, OwnFile]
    position: tuple[str, str] | None = None
    """Columns of right ascension and declination, where its rows are places on the sky."""
    place: tuple[float, float, float] | None = None
    """Right ascension and declination of the middle of these, and the width of all, in degrees."""


class FigureRecord(Record):
    """A figure and its files, relative to the run folder."""

    id: str
    title: str
    alt: str
    caption: str
    width: Literal["column", "full"]
    table: str
    """Id of the table of the numbers it draws."""
    files: Mapping[str, OwnFile]


class ErrorRecord(Record):
    """Why a section or a document could not be made."""

    kind: ErrorKind
    message: str
    hint: str = ""
    command: str = ""
    """The command that runs it alone."""
    details: str = ""
    """Traceback, for whoever mends it."""


class CellRecord(Record):
    """Which cell of a table a check is on."""

    table: str
    """Id of the table."""
    row: int | Mapping[str, str | int | float]
    """Its number, counted from 0, or the values that it has."""
    column: str


class WaiverRecord(Record):
    """Why, and how long, it is accepted that a check does not hold."""

    until: str
    """Last day, ISO 8601."""
    reason: str
    owner: str = ""
    expired: bool = False


class CheckRecord(Record):
    """A check and how it ended."""

    id: str
    """Unique within the section, and the same on every night."""
    kind: str
    """Key of the test in the YAML, such as max or drift."""
    label: str
    """What it asks for, in words."""
    metric: str = ""
    """Name of the metric it is on."""
    cell: CellRecord | None = None
    column: str = ""
    """Column of the catalogue whose missing values it counts."""
    value: float | None = None
    """What was found; null when there is no number."""
    low: float | None = None
    """Smallest value that is ok, in the unit."""
    high: float | None = None
    """Largest value that is ok, in the unit."""
    target: float | None = None
    """The value to be near to: that of the YAML, of a reference run, or the median of nights."""
    unit: str = ""
    severity: Literal["warn", "fail"] = "fail"
    """What it means when it does not hold."""
    status: Status
    """How it ended, a waiver aside; error when it could not be made."""
    in_force: bool = True
    """Whether the night is within its dates, and what it is on can be measured; if not, its status
    is ok and nothing was tested."""
    judged: bool = True
    """Whether there was enough to judge by, such as nights for a drift; if not, its status is ok
    and it counts for nothing."""
    waived: bool = False
    """Whether it does not hold and that is accepted."""
    message: str
    """How it ended, in one sentence."""
    brief: str = ""
    """What is wrong, in words that follow the number, such as ``above 60 µJy``; empty where nothing
    is, and where there is no number."""
    reason: str = ""
    owner: str = ""
    since: str = ""
    """First night on which it is in force, ISO 8601."""
    until: str = ""
    """Last night on which it is in force, ISO 8601."""
    waiver: WaiverRecord | None = None

    @property
    def verdict(self) -> Status:
        """What counts: ok for a check that is waived or not in force."""
        return "ok" if self.waived or not self.in_force else self.status

    @property
    def counts_as(self) -> Status:
        """What follows for what is checked: one that could not be made counts by its severity."""
        return self.severity if self.verdict == "error" else self.verdict


class CountedRecord(Record):
    """How many of a section's rows have a valid value in a column; counted for a check."""

    label: str
    """What the column is called."""
    rows: int
    valid: int


class SectionRecord(Record):
    """A section: what it found, or why it could not be computed."""

    id: str
    analysis: str
    title: str
    status: Status
    source: str = ""
    """Name of the catalogue or image stack it reads."""
    where: str = ""
    """Selection of the rows; empty for all."""
    seconds: float | None = None
    kept: bool = False
    """Whether it is from an earlier night, as nothing that it is made of has changed since."""
    memory: int | None = None
    """Peak resident memory in bytes of the process that made the section of its values, or took one
    that was kept, with what it shares with others; null when it is not known, or SOURCE_DATE_EPOCH
    asks for the same bytes every time."""
    rows: int | None = None
    """Rows, or images, used."""
    entries: Entries = "rows"
    text: str = ""
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    """How it was computed and what to cite for it, in sentences."""
    metrics: Mapping[str, MetricRecord] = {}
    figures: tuple[FigureRecord, ...] = ()
    tables: tuple[TableRecord, ...] = ()
    error: ErrorRecord | None = None
    counted: Mapping[str, CountedRecord] = {}
    """Valid values of the columns whose missing values are checked."""
    checks: tuple[CheckRecord, ...] = ()


class DatasetRecord(Record):
    """A dataset that was read."""

    name: str
    rows: int
    entries: Entries = "rows"


class InputRecord(Record):
    """A file that was read."""

    path: str
    datasets: tuple[DatasetRecord, ...] = ()
    bytes: int | None = None
    modified: str | None = None
    sha256: str | None = None
    version: str = ""
    """What the server of a file elsewhere says to tell whether it is still the same."""
    synthetic: str = ""
    """What the file says when it does not hold observations."""
    error: str = ""
    """Why it could not be read."""

    @property
    def identity(self) -> str | None:
        """What tells whether its content is that of another record."""
        return self.sha256 or self.version or None


class DocumentRecord(Record):
    """A document of the run: its file, or why it is not there."""

    file: OwnFile = ""
    error: ErrorRecord | None = None
    """What went wrong; with a file when reportgen's own templates stood in for the user's."""
    notices: tuple[str, ...] = ()
    """What it cannot show, in sentences; each is a warning."""


class ReportRecord(Record):
    """What the report is about."""

    id: Id
    title: str
    field: str = ""
    description: str = ""
    authors: tuple[str, ...] = ()
    language: str = "en"


class RunRecord(Record):
    """When the run was and how it ended."""

    id: Id
    started: str
    """Start in UTC, ISO 8601."""
    seconds: float | None = None
    """Duration; null when SOURCE_DATE_EPOCH asks for the same bytes every time."""
    memory: int | None = None
    """Most bytes that all processes of the build used at once, until its documents were there; null
    when it was not measured, as without a budget of memory or with SOURCE_DATE_EPOCH."""
    status: Status
    only: tuple[str, ...] = ()
    """Sections that were asked for with --only; empty for all."""
    left_out: tuple[str, ...] = ()
    """Sections of the configuration that were not asked for."""
    most_rows: int | None = None
    """Rows that a draft has of each catalogue at most, as --rows says; null for all."""
    draft: tuple[str, ...] = ()
    """Which rows of catalogues a draft has, where it has not all."""
    synthetic: tuple[str, ...] = ()
    """What the synthetic sources say of themselves; empty for observations."""

    @property
    def start(self) -> datetime:
        """The start as a time, UTC."""
        begun = datetime.fromisoformat(self.started)
        return begun.replace(tzinfo=UTC) if begun.tzinfo is None else begun.astimezone(UTC)


class ConfigurationRecord(Record):
    """The configuration as used; environment variables stay unexpanded."""

    path: str
    text: str
    sha256: str
    overrides: tuple[str, ...] = ()
    paper: Literal["a4", "letter"] = "a4"
    pdf_standard: PdfStandard = "ua-1"
    templates: str = ""
    deliver: Mapping[str, Any] = {}
    """The block deliver: of the configuration, by which the run is mailed, without secrets; what it
    takes from the environment stands here as it was."""


class EnvironmentRecord(Record):
    """What computed the run."""

    versions: Mapping[str, str]
    commit: str = ""
    """Git commit of the configuration's folder; empty when it is in no repository."""
    clean: bool | None = None
    """Whether that tree had no uncommitted change."""


class ChangeRecord(Record):
    """One thing that changed, in a sentence."""

    text: str
    status: Status | None = None
    """Status of what it is about; null for what has none."""
    section: str = ""
    """Id of the section that it is about."""
    name: str = ""
    """Name of the metric or id of the check that it is about."""
    kind: str = ""
    """What it is about and what happened, such as ``metric moved``."""


class SinceRecord(Record):
    """What changed since another run."""

    name: str = ""
    """Name of the reference; empty for the last night."""
    run: str = ""
    """Id of the other run; empty when it cannot be read."""
    night: str = ""
    """Date of the other run, ISO 8601."""
    changes: tuple[ChangeRecord, ...] = ()
    """Worst first."""
    error: str = ""
    """Why the other run cannot be read."""


class HistoryRecord(Record):
    """What the history gave this run."""

    nights: int = 0
    """Earlier nights that it knows."""
    error: str = ""
    """Why it cannot be read."""


class Summary(Record):
    """The whole record of a run."""

    format: Annotated[str, Field(pattern=r"^reportgen-run/1$")] = FORMAT
    report: ReportRecord
    run: RunRecord
    configuration: ConfigurationRecord
    environment: EnvironmentRecord
    inputs: tuple[InputRecord, ...]
    sections: tuple[SectionRecord, ...]
    checks: tuple[CheckRecord, ...] = ()
    """Checks of the whole run: its budgets."""
    documents: Mapping[str, DocumentRecord] = {}
    history: HistoryRecord = HistoryRecord()
    since: tuple[SinceRecord, ...] = ()
    """What changed since the last night, and since each reference run."""
    mistakes: tuple[str, ...] = ()
    """Checks of the configuration on what there is not, each with its place."""


def worst(statuses: Iterable[Status]) -> Status:
    """Return the worst of some statuses; ok for none."""
    return max(statuses, key=STATUSES.index, default="ok")


def with_status(summary: Summary) -> Summary:
    """Return the record with the status that follows from all that is in it."""
    statuses: list[Status] = [section.status for section in summary.sections]
    statuses += [check.counts_as for check in summary.checks]
    statuses += ["error" for record in summary.inputs if record.error]
    for document in summary.documents.values():
        statuses.append("error" if document.error else "warn" if document.notices else "ok")
    run = summary.run.model_copy(update={"status": worst(statuses)})
    return summary.model_copy(update={"run": run})


def computed_files(summary: Summary) -> list[str]:
    """Return the files of the figures and tables of a run, relative to its folder."""
    files = [figure.files for section in summary.sections for figure in section.figures]
    files += [table.files for section in summary.sections for table in section.tables]
    return sorted({file for forms in files for file in forms.values()})


def own_file(run: Path, name: str) -> Path:
    """Return the path of a file of a run folder, which may come from anywhere.

    Raises OSError for what lies elsewhere, through a link or not, and for what is no regular file.
    """
    root, path = run.resolve(), (run / name).resolve()
    if not path.is_relative_to(root):
        raise PermissionError(1, "it is not in the run folder", name)
    if not path.is_file():  # a pipe would keep us waiting
        raise FileNotFoundError(2, "it is not there, or no file", name)
    return path


def open_at_once(name: str, flags: int) -> int:
    """Open a file as an opener of ``open`` does, without waiting for the other end of a pipe."""
    return os.open(name, flags | os.O_NONBLOCK)


def read_regular(path: Path) -> bytes:
    """Return the content of a file; OSError for a pipe or a device, which may have no end."""
    with open(path, "rb", opener=open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return file.read()


def write_summary(folder: Path, summary: Summary) -> None:
    """Write summary.json, whole or not at all."""
    values = summary.model_dump(mode="json")
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    unfinished = folder / f".{FILE}"
    unfinished.write_text(text + "\n", encoding="utf-8")
    os.replace(unfinished, folder / FILE)  # noqa: PTH105 - atomic where Path.replace says less


def read_summary(folder: Path) -> Summary:
    """Read the record of a run; ConfigError when the folder is not a run."""
    path = folder / FILE
    try:
        text = read_regular(path).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"{path}: cannot be read: {reason}", "give a run folder, such as build/cdfs/latest"
        ) from None
    try:
        summary = Summary.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = f"is not a run of this version of reportgen: {where}" if where else "is damaged"
        raise ConfigError(f"{path}: {what}: {first['msg']}") from None
    try:
        datetime.fromisoformat(summary.run.started)
    except ValueError:
        said = f"run.started: {summary.run.started!r} is not a time of ISO 8601"
        raise ConfigError(f"{path}: is not a run of this version of reportgen: {said}") from None
    return summary


def summary_schema() -> dict[str, Any]:
    """Return the JSON Schema of summary.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Summary.model_json_schema(mode="serialization"),
    }
