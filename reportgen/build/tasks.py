"""What worker processes do: scan a catalogue, compute a section, fingerprint a file."""

import errno
import os
import pickle
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from reportgen.analyses.base import Analysis, AnyAnalysis
from reportgen.analyses.results import Section
from reportgen.build.cutouts import with_images
from reportgen.build.prose import fill_prose
from reportgen.cache.digests import CatalogueDigests, all_digests
from reportgen.cache.sections import Cache, CachedSection, Scanned
from reportgen.config.columns import Column
from reportgen.config.types import path_text
from reportgen.data.catalogue import Catalogue, all_problems
from reportgen.data.file_digests import DIGEST, SYNTHETIC, FileDigests, file_digest, stamp
from reportgen.data.hdf5 import SIGNATURE, open_file, synthetic_mark
from reportgen.data.images import ImageStack
from reportgen.data.joined import is_several
from reportgen.data.store import Store
from reportgen.errors import ReportgenError, SectionError, SourceError
from reportgen.record import CountedRecord, InputRecord, SectionRecord
from reportgen.reduce.base import OfCatalogue, Statistic
from reportgen.reduce.counts import CountValues
from reportgen.reduce.executors import (
    WORTH_PROCESSES,
    Executor,
    Inline,
    Processes,
    Say,
    Threads,
    say_nothing,
)
from reportgen.reduce.sampling import ALL, Sampled, Sampling
from reportgen.reduce.scan import Failure, columns_read, of_other_catalogues, scan, selections
from reportgen.remote.address import RemoteFile
from reportgen.remote.server import look_at
from reportgen.render.glyphs import about_figures
from reportgen.render.html import MOST_ROWS
from reportgen.render.saving import section_files
from reportgen.render.view import section_view
from reportgen.run_folder import publishing_errors, write_or_link
from reportgen.style import house_style
from reportgen.workers.failures import failure
from reportgen.workers.memory import own_peak

if TYPE_CHECKING:
    from reportgen.reduce.dask_executor import Dask

_CHECK = "check: "  # before the name of a column, where the values of a section are named


def scan_catalogue(
    catalogue: Catalogue,
    analyses: Mapping[str, Analysis],
    exact_rows: int,
    *,
    processes: int = 1,
    cache: Cache | None = None,
    others: Mapping[str, Catalogue] | None = None,
    sampling: Sampling = ALL,
    dask: "Dask | None" = None,
    rows_read: Path | None = None,
    stacks: Mapping[str, ImageStack] | None = None,
    imagined: bool = False,
) -> dict[str, Scanned]:
    """Compute all statistics of some sections in one pass over a catalogue.

    Returns for each section its values, pickled by the names it gave them (only the section
    itself will open them), or why there are none. exact_rows: up to so many rows everything is
    exact. cache: with it, digests of the columns are worked out on the way, and a section that is
    cached gets no values. others: catalogues by name of which statistics are needed, too.
    sampling: which rows of the catalogue, in a draft. dask: what reads those that are not exact.
    rows_read: file that says how many rows have been read, and of how many. stacks: images by name
    of which cut-outs are made. imagined: whether these are of noise, so that none are read.
    """
    exact = catalogue.rows <= exact_rows and sampling == ALL
    others = others or {}
    wanted: dict[str, Mapping[str, Any]] = {}
    result: dict[str, Scanned] = {}
    for section_id, analysis in analyses.items():
        try:
            wanted[section_id] = asked(analysis, {**others, catalogue.name: catalogue}, exact)
        except Exception as error:  # a plugin's error is its section's
            result[section_id] = Scanned(failure(error), {})
    everything = [statistic for named in wanted.values() for statistic in named.values()]
    of_others = of_other_catalogues(everything, exact)
    if not imagined:  # for which the first rows are taken
        catalogue = _selecting(catalogue, everything, exact)
        others = {name: _selecting(others[name], of_it, exact) for name, of_it in of_others.items()}
    say = say_nothing if rows_read is None else partial(_write_rows, rows_read)
    scan_one = partial(
        _scan_for,
        processes=processes,
        say=say,
        dask=None if dask is None else replace(dask, say=say),
        store=cache.store if cache else None,
    )
    known: dict[Statistic[Any], Any] = {}
    digests: dict[str, CatalogueDigests] = {}
    for name, of_it in of_others.items():
        digests[name], found = scan_one(others[name], of_it, exact_rows, name)
        known |= {OfCatalogue(name, statistic): value for statistic, value in found.items()}
    # Of what is left out nothing is exact.
    exact_rows = catalogue.rows if exact else -1
    own, values = scan_one(catalogue, everything, exact_rows, known=known, sampling=sampling)
    for section_id, named in wanted.items():
        of_its_others = of_other_catalogues(named.values(), exact).items()
        read = all_digests(
            own.of(columns_read(named.values(), exact)),
            *(digests[name].of(columns_read(of_it, exact)) for name, of_it in of_its_others),
        )
        given = {name: values[statistic] for name, statistic in named.items()}
        analysis = analyses[section_id]
        if analysis.looked_at is not None and not _lost(given):
            stack, store = (stacks or {})[analysis.looked_at.name], cache.store if cache else None
            counts = {name: given.pop(name) for name in list(given) if name.startswith(_CHECK)}
            try:
                given, shown = with_images(
                    analysis, given, stack, catalogue.rows, store, imagined=imagined
                )
            except Exception as error:  # a plugin's error is its section's
                result[section_id] = Scanned(failure(error), {})
                continue
            given, read = given | counts, all_digests(read, shown)
        if cache and cache.has(section_id, read):
            result[section_id] = Scanned(None, read)
            continue
        result[section_id] = Scanned.of(given, read)
    return result


def _selecting(
    catalogue: Catalogue, statistics: Iterable[Statistic[Any]], exact: bool
) -> Catalogue:
    """Return a catalogue of which only rows are read that some statistics may select."""
    chosen = selections(statistics, exact) if catalogue.has_row_groups else None
    if chosen is not None:
        with suppress(Exception):  # what cannot be read, the scan says
            return catalogue.selecting(chosen)
    return catalogue


def asked(analysis: Analysis, catalogues: Mapping[str, Catalogue], exact: bool) -> dict[str, Any]:
    """Return the statistics of a section, by name, and those that its checks need.

    Raises SourceError when a column that they need cannot be read; the others do not matter.
    """
    checked = {f"{_CHECK}{n}": CountValues(n, analysis.where) for n in _missing_checked(analysis)}
    named = {**analysis.reductions(), **checked}
    of_others = of_other_catalogues(named.values(), exact)
    for name, statistics in [(analysis.catalogue, named.values()), *of_others.items()]:
        needed = frozenset[str]().union(*(statistic.columns for statistic in statistics))
        broken = catalogues[name].broken
        if wrong := [broken[column] for column in sorted(needed & broken.keys())]:
            raise all_problems(wrong)
    return named


def _scan_for(
    catalogue: Catalogue,
    statistics: Iterable[Statistic[Any]],
    exact_rows: int,
    name: str = "",
    *,
    processes: int,
    say: Say,
    dask: Executor | None,
    store: Store | None,
    sampling: Sampling = ALL,
    known: Mapping[Statistic[Any], Any] | None = None,
) -> tuple[CatalogueDigests, dict[Statistic[Any], Any]]:
    """Compute statistics of a catalogue, and the digests of the columns that they read.

    name: of one that is not the sections' own; if it cannot be read, its statistics fail. known:
    values of what is needed of other catalogues. store: None to work out no digests. dask: what
    reads more than exact_rows; None for up to so many processes of this machine.
    """
    wanted = list(statistics)
    exact = catalogue.rows <= exact_rows
    digests = CatalogueDigests(catalogue, store, name)
    of_columns = digests.reductions(columns_read(wanted, exact))
    source = catalogue
    executor: Executor = Inline(say)
    if catalogue.in_order:
        pass  # a file that can be read from its beginning only
    elif exact:  # the rows are kept in this process
        executor = Threads(processes, say=say)
    elif dask is not None:
        source, executor = catalogue.absolute(), dask
    elif processes > 1 and sampling.rows(catalogue.rows) >= WORTH_PROCESSES:
        executor = Processes(processes, say)
    if sampling != ALL:
        executor = Sampled(executor, sampling)
    try:
        values = scan([*wanted, *of_columns], source, exact_rows, executor, known)
    except SourceError as error:
        if not name:
            raise
        return digests, dict.fromkeys(wanted, Failure(error))
    digests.remember(values)
    return digests, values


def _write_rows(file: Path, done: int, rows: int) -> None:
    file.write_text(f"{done} {rows}")


def _lost(values: Mapping[str, Any]) -> bool:
    return any(isinstance(value, Failure) for value in values.values())


def _missing_checked(analysis: AnyAnalysis) -> dict[str, Column]:
    blocks = [check.missing_at_most for check in analysis.checks]
    return {block.column.name: block.column for block in blocks if block is not None}


def compute_section(
    section_id: str,
    analysis: AnyAnalysis,
    values: bytes,
    run: Path,
    *,
    cache: Cache | None = None,
    digests: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
) -> SectionRecord:
    """Make a section from its values and save its figures and tables in the run folder.

    cache: where it is written for later nights. digests: of each thing that it reads. notes: on
    what it reads.
    Raises PublishError when the run folder cannot be written; anything else is the section's.
    """
    started = perf_counter()
    record, files = present_section(section_id, analysis, values, notes=notes)
    write_files(run, files)
    section_view(run, record, MOST_ROWS)
    seconds = round(perf_counter() - started, 3)
    record = record.model_copy(update={"seconds": seconds, "memory": own_peak()})
    if cache is not None:
        cache.put(section_id, digests or {}, CachedSection(record=record, files=files))
    return record


def present_section(
    section_id: str,
    analysis: AnyAnalysis,
    values: bytes,
    *,
    notes: tuple[str, ...] = (),
    with_files: bool = True,
) -> tuple[SectionRecord, Mapping[str, bytes]]:
    """Return the record of a section and its files, from its values, pickled by name.

    with_files: whether figures are drawn and tables written.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with house_style():
            section, counted = _presented(analysis, values)
        made = section_files(section, section_id, drawn=with_files)
    said = [f"Warning: {text}" for text in about_figures(str(item.message) for item in caught)]
    record = blank_record(section_id, analysis).model_copy(
        update={
            "status": "ok",
            "rows": section.rows,
            "entries": section.entries,
            "findings": tuple(section.findings),
            "text": fill_prose(analysis.text or "", made.metrics),
            "notes": (*notes, *section.notes, *said),
            "methods": tuple(analysis.methods),
            "metrics": made.metrics,
            "figures": made.figures,
            "tables": made.tables,
            "counted": counted,
        }
    )
    # Validated: what cannot be shown must not take the whole report down later.
    return SectionRecord.model_validate(record.model_dump()), made.files


def write_files(run: Path, files: Mapping[str, bytes]) -> None:
    """Write files of a section to the run folder; PublishError when it cannot be written."""
    with publishing_errors(run.parent):
        for folder in {(run / name).parent for name in files}:
            folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_or_link(run, name, content)


def _presented(analysis: AnyAnalysis, values: bytes) -> tuple[Section, dict[str, CountedRecord]]:
    """Return the section, and the counts that its checks need."""
    try:
        found: dict[str, Any] = pickle.loads(values)  # noqa: S301 - by our own worker
        counts = {name: found.pop(f"{_CHECK}{name}") for name in _missing_checked(analysis)}
        section: object = analysis.present(**found)
    except (SectionError, SourceError):
        raise
    except ReportgenError as error:  # whatever a plugin blames, it is the section that fails
        raise SectionError(error.message, error.hint) from error
    if not isinstance(section, Section):
        raise SectionError(
            f"the analysis {analysis.analysis} gave a {type(section).__name__}, not a Section",
            "this is a bug of the analysis",
        )
    columns = _missing_checked(analysis)
    counted = {
        name: CountedRecord(label=columns[name].title, rows=count.rows, valid=count.valid)
        for name, count in counts.items()
    }
    return section, counted


def blank_record(section_id: str, analysis: AnyAnalysis) -> SectionRecord:
    """Return the record of a section of which nothing is known yet."""
    where = getattr(analysis, "where", None)
    return SectionRecord(
        id=section_id,
        analysis=analysis.analysis,
        title=analysis.title,
        status="error",
        source=", ".join(name for _, name in analysis.sources) or "history",
        where="" if where is None else str(where),
    )


def known_fingerprint(path: Path, contents: FileDigests) -> InputRecord | None:
    """Return the record of a file that is as it was when it was last looked at."""
    if isinstance(path, RemoteFile):  # to read all of it for its digest would take too long
        return _remote_input(path)
    known = contents.of(path)
    if DIGEST in known and SYNTHETIC in known:
        with suppress(OSError):
            return _input(path, str(known[DIGEST]), str(known[SYNTHETIC]))
    return None


def fingerprints(paths: Iterable[Path], contents: FileDigests) -> dict[Path, InputRecord]:
    """Look at files of sources; what is wrong with one is in its record."""
    return {path: _fingerprint(path, contents) for path in paths}


def _fingerprint(path: Path, contents: FileDigests) -> InputRecord:
    wrong = synthetic = ""
    is_one = not is_several(path)
    if is_one and path.exists() and not (path.is_file() or path.is_dir()):
        return InputRecord(path=str(path), error="is not a regular file")  # which has no end
    before = stamp(path)
    if is_one and _is_hdf5(path):
        try:
            with open_file(path) as opened:
                synthetic = synthetic_mark(opened.attrs)
        except SourceError as error:
            wrong = error.message.removeprefix(f"{path}: ")
    try:
        record = _input(path, file_digest(path), synthetic, wrong)
    except (OSError, SourceError) as error:
        said = error.strerror if isinstance(error, OSError) else error.message
        return InputRecord(path=path_text(path), error=wrong or str(said).removeprefix(f"{path}: "))
    if not wrong:
        contents.remember(path, before, {DIGEST: str(record.sha256), SYNTHETIC: synthetic})
    return record


def _remote_input(file: RemoteFile) -> InputRecord:
    try:
        found = look_at(file)
    except SourceError as error:
        return InputRecord(path=str(file), error=error.message)
    modified = _time_text(found.modified) if found.modified else None
    return InputRecord(path=str(file), bytes=found.bytes, modified=modified, version=found.tag)


def _time_text(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _is_hdf5(path: Path) -> bool:
    if not path.is_file():  # a pipe would keep us waiting
        return False
    try:
        with path.open("rb") as file:
            return file.read(8) == SIGNATURE
    except OSError:
        return False


def _input(path: Path, digest: str, synthetic: str, error: str = "") -> InputRecord:
    found = stamp(path)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return InputRecord(
        path=path_text(path),
        bytes=found.bytes,
        modified=_time_text(found.modified // 10**9),
        sha256=digest,
        synthetic=synthetic,
        error=error,
    )
