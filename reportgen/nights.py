"""The runs of an output folder: listing them, their neighbours, and the page of all nights."""

import json
import math
import os
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from reportgen.errors import PublishError
from reportgen.publish import RUN_ID, publishing_errors
from reportgen.render.documents import DOCUMENTS
from reportgen.render.fonts import font_faces
from reportgen.render.index import MARK, render_index
from reportgen.render.neighbours import NEIGHBOURS, neighbour_pages
from reportgen.render.runs import MetricValue, Night, RunEntry, in_order, nights
from reportgen.render.trends import Limits
from reportgen.render.view import verdict_sentence
from reportgen.summary import FILE, ReportRecord, Summary
from reportgen.versions import installed_version

INDEX = "index.html"
CACHE = ".nights.json"
_CACHE_FORMAT = "reportgen-nights/1"
_Place = tuple[datetime, int]

__all__ = [
    "Limits",
    "MetricValue",
    "Neighbours",
    "Night",
    "RunEntry",
    "list_runs",
    "neighbours",
    "nights",
    "write_index",
]


@dataclass(frozen=True)
class Neighbours:
    """The nights before and after one that have a run whose record can be read."""

    previous: Night | None
    next: Night | None


def list_runs(
    folder: Path, metrics: Sequence[str] = (), *, remember: bool = True
) -> list[RunEntry]:
    """Give the runs of an output folder, oldest first; those that cannot be read say why.

    metrics: which to give at least, as ``section.metric``. remember: note what was read in a file
    of the folder, if that can be written, so that only new runs are read.
    """
    cache = _read_cache(folder, metrics)
    runs = _list_runs(folder, cache)
    if remember:
        _write_cache(folder, cache)
    return runs


def neighbours(runs: Sequence[RunEntry], night: date) -> Neighbours:
    """Give the nights before and after a night; its own runs do not count."""
    known = nights(run for run in runs if run.status is not None)
    return Neighbours(
        next((other for other in reversed(known) if other.date < night), None),
        next((other for other in known if other.date > night), None),
    )


def write_index(
    folder: Path,
    report: ReportRecord,
    *,
    trends: Sequence[str] = (),
    limits: Mapping[str, Limits] | None = None,
    templates: str = "",
) -> Path:
    """Write the page of all nights and the pages that lead from night to night; give its path.

    To be called while no other build can run, after old runs were deleted. trends: metrics to
    draw, as ``section.metric``. limits: of some of them. templates: folder of a user's own.
    Raises PublishError when the folder cannot be written, and ConfigError for templates that are
    wrong.
    """
    cache = _read_cache(folder, trends)
    runs = _list_runs(folder, cache)
    page = render_index(
        runs, report, trends=trends, limits=limits, templates=templates, fonts=cache.fonts_of
    )
    path = folder / INDEX
    with publishing_errors(folder, "the report was published, the list of nights is the former"):
        _refuse_foreign(path)
        pages = folder / NEIGHBOURS
        pages.mkdir(exist_ok=True)
        wanted = neighbour_pages(runs)
        for name in {file.name for file in pages.glob("????-??-??-*.html")} - wanted.keys():
            (pages / name).unlink()
        for name, content in wanted.items():
            _replace(pages / name, content)
        _replace(path, page)
    _write_cache(folder, cache)
    return path


def _refuse_foreign(path: Path) -> None:
    with suppress(FileNotFoundError), path.open("rb") as file:
        if MARK.encode() not in file.read():
            raise PublishError(
                f"{path} was not written by reportgen, so it is left as it is",
                "move it away and build again",
            )


def _replace(path: Path, content: bytes) -> None:
    """Give a file its content in one step, unless it has it."""
    with suppress(FileNotFoundError):
        if path.read_bytes() == content:
            return
    unfinished = path.with_name(f".{path.name.removeprefix('.')}.new")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _list_runs(folder: Path, cache: "_Cache") -> list[RunEntry]:
    found: list[RunEntry] = []
    former, cache.runs = cache.runs, {}
    with os.scandir(folder) as inside:
        names = [item.name for item in inside if RUN_ID.fullmatch(item.name) and item.is_dir()]
    for name in names:
        place = _place(name)
        if place is None:
            continue
        try:
            stat = os.stat(f"{folder}/{name}/{FILE}")  # noqa: PTH116 - thousands of them
        except OSError as error:
            found.append(_unreadable(folder / name, place, _reason(error)))
            continue
        stamp = [stat.st_size, stat.st_mtime_ns]
        remembered = former.get(name, [None])
        if remembered[0] == stamp:
            run = _recalled(name, place, remembered[1:])
        else:
            run = _read_run(folder / name, place, cache.metrics)
        if run.status is not None:
            cache.runs[name] = remembered if remembered[0] == stamp else [stamp, *_noted(run)]
        found.append(run)
    return in_order(found)


def _place(name: str) -> _Place | None:
    """Give the start of a run and its number, by the name of its folder; None for no date."""
    parts = RUN_ID.fullmatch(name)
    if parts is None:
        return None
    try:
        started = datetime.strptime(parts["started"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return started, int(parts["number"] or 1)


def _unreadable(folder: Path, place: _Place, why: str) -> RunEntry:
    """Give a run whose record says nothing, with the documents that are there all the same."""
    documents = {
        form: document.file
        for form, document in DOCUMENTS.items()
        if (folder / document.file).is_file()
    }
    said = f"The record of this run {why}."
    return RunEntry(folder.name, *place, status=None, verdict=said, documents=documents)


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"is missing: there is no {FILE}"
    return f"cannot be read: {error.strerror or error}"


def _read_run(folder: Path, place: _Place, metrics: Sequence[str]) -> RunEntry:
    try:
        summary = Summary.model_validate(_without_bulk(from_json((folder / FILE).read_bytes())))
    except OSError as error:
        return _unreadable(folder, place, _reason(error))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        why = f"is not one of this version of reportgen: {where}: {first['msg']}"
        return _unreadable(folder, place, why)
    except ValueError as error:
        return _unreadable(folder, place, f"is damaged: {error}")
    values = {
        f"{section.id}.{name}": MetricValue(
            metric.value if metric.value is not None and math.isfinite(metric.value) else None,
            metric.label,
            metric.unit,
            metric.digits,
        )
        for section in summary.sections
        for name, metric in section.metrics.items()
        if f"{section.id}.{name}" in metrics
    }
    return RunEntry(
        folder.name,
        *place,
        status=summary.run.status,
        verdict=verdict_sentence(summary),
        seconds=summary.run.seconds,
        partial=bool(summary.run.only),
        synthetic=bool(summary.run.synthetic),
        documents={form: d.file for form, d in summary.documents.items() if d.file},
        metrics=values,
    )


def _without_bulk(record: Any) -> Any:
    """Leave out what is most of a record and in no list of nights, so that it is read faster."""
    if not isinstance(record, dict) or not isinstance(record.get("sections"), list):
        return record
    sections = [
        {**section, "figures": (), "tables": ()} if isinstance(section, dict) else section
        for section in record["sections"]
    ]
    return {**record, "sections": sections, "inputs": ()}


def _noted(run: RunEntry) -> list[Any]:
    """Give a run as the cache holds it, without what its name says."""
    metrics = {key: [m.value, m.label, m.unit, m.digits] for key, m in run.metrics.items()}
    flags = [run.partial, run.synthetic]
    return [run.status, run.verdict, run.seconds, *flags, dict(run.documents), metrics]


def _recalled(name: str, place: _Place, noted: Sequence[Any]) -> RunEntry:
    status, verdict, seconds, partial, synthetic, documents, metrics = noted
    values = {key: MetricValue(*value) for key, value in metrics.items()}
    return RunEntry(name, *place, status, verdict, seconds, partial, synthetic, documents, values)


@dataclass
class _Cache:
    """What was read of runs, and fonts, which take longer than all the rest."""

    metrics: list[str]
    runs: dict[str, list[Any]] = field(default_factory=dict)
    fonts: dict[str, str] = field(default_factory=dict)
    written: bytes = b""

    def fonts_of(self, page: str) -> str:
        """Give the fonts of a page; only those of the last page are remembered."""
        key = sha256("".join(sorted(set(page))).encode()).hexdigest()
        self.fonts = {key: self.fonts.get(key) or font_faces(page)}
        return self.fonts[key]

    def content(self) -> bytes:
        """Give the file: a line that tells whether the rest is whole, and the rest."""
        known = {"metrics": self.metrics, "runs": self.runs, "fonts": self.fonts}
        body = json.dumps(known, separators=(",", ":"), sort_keys=True).encode()
        return f"{_CACHE_FORMAT} {_version()} {zlib.crc32(body)}\n".encode() + body


def _read_cache(folder: Path, metrics: Sequence[str]) -> _Cache:
    """Give what is remembered of a folder; nothing when it is damaged or lacks a metric."""
    with suppress(OSError, ValueError):
        written = (folder / CACHE).read_bytes()
        head, _, body = written.partition(b"\n")
        if head.decode() == f"{_CACHE_FORMAT} {_version()} {zlib.crc32(body)}":
            known = from_json(body)
            if set(metrics) <= set(known["metrics"]):
                return _Cache(known["metrics"], known["runs"], known["fonts"], written)
            return _Cache(sorted(metrics), {}, known["fonts"])
    return _Cache(sorted(metrics))


def _write_cache(folder: Path, cache: _Cache) -> None:
    content = cache.content()
    if content != cache.written:
        with suppress(OSError):  # whoever may only read the folder reads all of it every time
            _replace(folder / CACHE, content)


def _version() -> str:
    return installed_version("reportgen") or ""
