"""What worker processes do: scan a catalogue, compute a section, fingerprint a file, print a PDF."""

import hashlib
import traceback
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from reportgen.analyses.base import Analysis
from reportgen.data.catalogue import Catalogue
from reportgen.errors import ReportgenError, SectionError
from reportgen.publish import publishing_errors
from reportgen.reduce.base import Source
from reportgen.reduce.scan import Failure, scan
from reportgen.render.saving import save_section
from reportgen.style import house_style
from reportgen.summary import ErrorRecord, SectionRecord

SectionValues = dict[str, Any]


def scan_catalogue(
    catalogue: Catalogue, memory: int, analyses: Mapping[str, Analysis]
) -> dict[str, SectionValues | ErrorRecord]:
    """Compute all reductions of some sections in one pass over a catalogue.

    Returns for each section the values under the names it gave them, or why there are none.
    """
    wanted: dict[str, Mapping[str, Any]] = {}
    result: dict[str, SectionValues | ErrorRecord] = {}
    for section_id, analysis in analyses.items():
        try:
            wanted[section_id] = dict(analysis.reductions())
        except Exception as error:  # a plugin's error is its section's
            result[section_id] = error_record(error)
    everything = [reduction for named in wanted.values() for reduction in named.values()]
    values = scan(everything, Source(catalogue.rows, memory), catalogue.chunks)
    for section_id, named in wanted.items():
        found = {name: values[reduction] for name, reduction in named.items()}
        failed = next((v for v in found.values() if isinstance(v, Failure)), None)
        result[section_id] = found if failed is None else error_record(failed.error)
    return result


def compute_section(
    section_id: str, analysis: Analysis, values: SectionValues, run: Path
) -> SectionRecord:
    """Make a section from its values and save its figures and tables in the run folder."""
    started = perf_counter()
    base = blank_record(section_id, analysis)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with house_style():
                section = analysis.present(**values)
        except Exception as error:  # a plugin's error is its section's
            return failed_record(base, error_record(error), perf_counter() - started)
        with publishing_errors(run.parent):
            figures, tables, metrics = save_section(section, section_id, run)
    said = dict.fromkeys(f"Warning: {item.message}" for item in caught)
    return base.model_copy(
        update={
            "status": "ok",
            "seconds": perf_counter() - started,
            "rows": section.rows,
            "findings": tuple(section.findings),
            "notes": (*section.notes, *said),
            "metrics": metrics,
            "figures": figures,
            "tables": tables,
        }
    )


def blank_record(section_id: str, analysis: Analysis) -> SectionRecord:
    """Give the record of a section of which nothing is known yet."""
    return SectionRecord(
        id=section_id,
        analysis=analysis.analysis,
        title=analysis.title,
        status="error",
        source=analysis.catalogue,
        where="" if analysis.where is None else str(analysis.where),
    )


def failed_record(
    base: SectionRecord, error: ErrorRecord, seconds: float | None = None
) -> SectionRecord:
    """Give the record of a section that could not be computed."""
    return base.model_copy(update={"status": "error", "seconds": seconds, "error": error})


def error_record(error: BaseException) -> ErrorRecord:
    """Describe an error: a message for one that a user can mend, a traceback for any other."""
    if isinstance(error, ReportgenError):
        kind = "error" if isinstance(error, SectionError) else type(error).__name__
        return ErrorRecord(kind=kind, message=error.message, hint=error.hint)
    details = "".join(traceback.format_exception(error))
    return ErrorRecord(
        kind="error", message=f"{type(error).__name__}: {error}".rstrip(": "), details=details
    )


def fingerprint(path: Path) -> tuple[int, str, str]:
    """Give a file's size in bytes, its modification time (UTC, ISO 8601) and its SHA-256."""
    status = path.stat()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    modified = datetime.fromtimestamp(int(status.st_mtime), UTC)
    return status.st_size, f"{modified:%Y-%m-%dT%H:%M:%SZ}", digest
