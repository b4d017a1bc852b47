"""The record of a run, put together from what its stages found."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from reportgen.build.provenance import environment
from reportgen.build.tasks import fingerprints, known_fingerprint
from reportgen.config.loader import Report
from reportgen.config.types import path_text
from reportgen.data.file_digests import FileDigests, stamp
from reportgen.data.format import FileTable
from reportgen.data.opening import LONGEST_LOOK
from reportgen.data.sources import Sources
from reportgen.record import (
    ConfigurationRecord,
    DatasetRecord,
    InputRecord,
    ReportRecord,
    RunRecord,
    SectionRecord,
    Summary,
    with_status,
)
from reportgen.reduce.sampling import ALL, Sampling
from reportgen.wording import count
from reportgen.workers.failures import Ended
from reportgen.workers.pool import Pool

SLOWEST_DISK = 10e6
"""Bytes that any disk or network gives in a second."""


def _bytes(path: Path) -> int:
    found = stamp(path)
    return 0 if found is None else found.bytes


def start_fingerprints(
    sources: Sources, pool: Pool, contents: FileDigests
) -> dict[Path, InputRecord]:
    """Start to fingerprint the files of sources; complete when the pool has finished.

    contents: what is known of files, which are not read for that.
    """
    found: dict[Path, InputRecord] = {}
    unknown: list[Path] = []
    for path in sources.files:
        known = known_fingerprint(path, contents)
        if path in sources.unreadable:  # a folder, perhaps, of anything
            found[path] = InputRecord(path=path_text(path), error=sources.unreadable[path])
        elif known is None:
            unknown.append(path)
        else:
            found[path] = known

    def start(paths: list[Path]) -> None:
        then = partial(ended, paths)
        # A library that opens a damaged file may loop; to read a large one takes its time.
        limit = LONGEST_LOOK + sum(map(_bytes, paths)) / SLOWEST_DISK
        pool.start(fingerprints, paths, contents, then=then, timeout=limit, name="inputs")

    def ended(paths: list[Path], end: Ended) -> None:
        if end.failed is None:
            found.update(end.value)
        elif len(paths) == 1:
            found[paths[0]] = InputRecord(path=path_text(paths[0]), error=end.failed.message)
        else:
            for path in paths:  # one of them broke it for all: find out which
                start([path])

    if unknown:
        start(unknown)
    return found


def summarise(
    report: Report,
    *,
    run_id: str,
    started: datetime,
    seconds: float | None,
    sources: Sources,
    inputs: Mapping[Path, InputRecord],
    sections: Mapping[str, SectionRecord],
    only: tuple[str, ...] = (),
) -> Summary:
    """Put the record of a run together.

    seconds: that the run took; None to leave out all that a clock says. sections: in any order.
    only: those that were asked for, none for all.
    """
    block, output, text = report.report, report.output, report.document.text
    records = [sections[name] for name in report.sections if name in sections]
    if seconds is None:
        # What a clock, a meter or an earlier night says is left out.
        same = {"seconds": None, "memory": None, "kept": False}
        records = [record.model_copy(update=same) for record in records]
    tables = [table for each in sources.catalogues.values() for table in each.tables.items()]
    said = {path: found.synthetic for (path, _), found in tables if isinstance(found, FileTable)}
    files = tuple(
        inputs[path].model_copy(
            update={
                "datasets": _datasets(path, sources),
                "synthetic": inputs[path].synthetic or said.get(path, ""),
            }
        )
        for path in sources.files
    )
    synthetic = dict.fromkeys(record.synthetic for record in files if record.synthetic)
    summary = Summary(
        report=ReportRecord(
            id=block.id,
            title=block.title,
            field=block.field or "",
            description=block.description or "",
            authors=block.authors,
            language=block.language,
        ),
        run=RunRecord(
            id=run_id,
            started=f"{started:%Y-%m-%dT%H:%M:%SZ}",
            seconds=seconds,
            status="ok",  # until all is known: with_status
            only=only,
            left_out=tuple(name for name in report.sections if name not in sections),
            most_rows=report.most_rows,
            draft=tuple(_sampled(sources, report.most_rows)),
            synthetic=tuple(synthetic),
        ),
        configuration=ConfigurationRecord(
            path=str(report.path),
            text=text,
            sha256=sha256(text.encode()).hexdigest(),
            overrides=report.overrides,
            paper=output.paper,
            pdf_standard=output.pdf.standard,
            templates="" if output.templates is None else str(output.templates.absolute()),
            deliver=report.deliver.recorded(),
        ),
        environment=environment(report.path, networks=bool(report.models)),
        inputs=files,
        sections=tuple(records),
    )
    return with_status(summary)


def _sampled(sources: Sources, most_rows: int | None) -> Iterator[str]:
    """Yield which rows of catalogues a draft has, where it has not all."""
    for name, catalogue in sources.catalogues.items():
        sampling = Sampling.of(catalogue.rows, most_rows)
        if sampling != ALL:
            some, rows = count(sampling.rows(catalogue.rows)), count(catalogue.rows)
            yield f"{some} of the {rows} rows of {name}"


def _datasets(path: Path, sources: Sources) -> tuple[DatasetRecord, ...]:
    """Return what was read of a file."""
    read: dict[str, DatasetRecord] = {}
    for catalogue in sources.catalogues.values():
        for file, dataset in catalogue.files:
            if file == path:
                read[dataset] = DatasetRecord(name=dataset, rows=catalogue.rows)
    for stack in sources.images.values():
        if stack.file == path:
            n = stack.shape[0]
            read[stack.dataset] = DatasetRecord(name=stack.dataset, rows=n, entries="images")
    return tuple(read.values())
