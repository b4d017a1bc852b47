"""Reports in Python: a run that is there, or one that is built now, with its numbers and tables."""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from astropy.table import QTable
    from astropy.units import Quantity

    from reportgen.record import FigureRecord, SectionRecord, Status, Summary

Value = TypeVar("Value")


def load(run: str | Path) -> "Run":
    """Return a run that was built.

    run: its folder, such as ``build/cdfs/latest``; or, beside the reports, its id, ``latest`` or
    the date of a night. Raises ConfigError when there is no such run, or it cannot be read.
    """
    from reportgen.quality.lookup import find_run
    from reportgen.record import read_summary

    folder = find_run(str(run), None).resolve()  # stays the same when latest moves on
    return Run(folder, read_summary(folder))


def build(
    config: str | Path,
    *,
    only: Iterable[str] = (),
    overrides: Iterable[str] = (),
    cell: Iterable[str] = (),
    output: str | Path | None = None,
    workers: int | None = None,
) -> "Run":
    """Build a report and publish it, as ``reportgen build`` does; return the run.

    only: one section or several, all if not given. overrides: ``key.path=value``, as of ``--set``.
    cell: ``name=value`` texts that choose one combination of a matrix. output: folder of the runs,
    in place of the YAML's. workers: processes, as many as cores by default.

    The build is a process of its own, so that it needs neither a guard in a script nor care in a
    notebook, and gives the same bytes as the command. What it has to say goes to standard error.
    Raises the ReportgenError with which the command ends when nothing was published; a section
    that could not be made, or a check that failed, is in the run and its status.
    """
    import json
    import subprocess

    options = {"--only": only, "--set": overrides, "--cell": cell}
    words: list[str] = []
    for name, texts in options.items():
        for text in [texts] if isinstance(texts, str) else texts:
            words += [name, text]
    words += [] if output is None else ["--output", str(output)]
    words += [] if workers is None else ["--workers", str(workers)]
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "reportgen", "build", "--json", *words, "--", str(config)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8:backslashreplace"},
        check=False,
    )
    if not done.stdout:
        _fail(done.returncode, done.stderr.strip())
    sys.stderr.write(done.stderr)
    return load(json.loads(done.stdout)["folder"])


def _fail(code: int, said: str) -> None:
    """Raise the error that ended a build. said: what it printed."""
    from reportgen import errors

    kinds = (errors.ConfigError, errors.PublishError, errors.SourceError, errors.SectionError)
    kind = next((kind for kind in kinds if kind.exit_code == code), errors.ReportgenError)
    message, _, hint = said.removeprefix("Error: ").partition("\n  → ")
    raise kind(message or f"the build ended with code {code}", hint)


class Named(dict[str, Value]):
    """A mapping that names what is near, and what there is, when a name is not known."""

    def __init__(self, kind: str, values: Mapping[str, Value]) -> None:
        super().__init__(values)
        self._kind = kind

    def __missing__(self, name: str) -> Value:
        from reportgen.config.suggest import unknown
        from reportgen.errors import ConfigError

        raise ConfigError(unknown(self._kind, name, self))


@dataclass(frozen=True)
class RunFigure:
    """A figure of a run. record: its title, alt text and caption. files: form, such as svg."""

    record: "FigureRecord"
    files: Mapping[str, Path]

    def _repr_svg_(self) -> str:
        return self.files["svg"].read_text(encoding="utf-8")


@dataclass(frozen=True)
class Run:
    """A run that was built. folder: its run folder. summary: all of its record, summary.json."""

    folder: Path
    summary: "Summary"

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, status={self.status!r})"

    @property
    def id(self) -> str:
        """Name of its folder, such as ``20261123T020000Z``."""
        return self.summary.run.id

    @property
    def status(self) -> "Status":
        """``ok``, ``warn``, ``fail`` (of its checks) or ``error`` (something was not made)."""
        return self.summary.run.status

    @cached_property
    def sections(self) -> "Mapping[str, SectionRecord]":
        """Its sections by their names in the YAML, with findings, checks and what went wrong."""
        return Named("section", {section.id: section for section in self.summary.sections})

    @cached_property
    def metrics(self) -> "Mapping[str, Quantity]":
        """Its numbers with their units, by ``section.metric``; NaN where there is none.

        A unit that astropy does not know stays as it was written.
        """
        from astropy.units import Unit

        return Named(
            "metric",
            {
                f"{section.id}.{name}": (float("nan") if metric.value is None else metric.value)
                * Unit(metric.unit, parse_strict="silent")
                for section in self.summary.sections
                for name, metric in section.metrics.items()
            },
        )

    def table(self, section: str, name: str) -> "QTable":
        """Return a table of a section, or the numbers of a figure, with units and descriptions.

        Raises ConfigError for a name that is not known, SourceError for a file that is not there.
        """
        from astropy.table import QTable

        tables = Named("table", {table.id: table for table in self.sections[section].tables})
        return QTable.read(self._file(tables[name].files["ecsv"]), format="ascii.ecsv")

    def figure(self, section: str, name: str) -> RunFigure:
        """Return a figure of a section: its words and its files; a notebook shows it.

        Raises ConfigError for a name that is not known, SourceError for a file that is not there.
        """
        figures = Named("figure", {figure.id: figure for figure in self.sections[section].figures})
        record = figures[name]
        return RunFigure(record, {form: self._file(file) for form, file in record.files.items()})

    def _file(self, name: str) -> Path:
        from reportgen.errors import SourceError
        from reportgen.record import own_file

        try:
            return own_file(self.folder, name)
        except OSError as error:
            raise SourceError(f"{self.folder / name}: {error.strerror}") from None

    def history(self, metric: str, *, nights: int | None = None) -> "QTable":
        """Return a metric over the nights, oldest first: night, run, value, status and verdict.

        metric: ``section.metric``. nights: how many of the last, all if not given. A night whose
        unit is not the newest one's has no value.
        Raises ConfigError when there is no history beside the run (or in REPORTGEN_HISTORY), or it
        does not know the metric.
        """
        import numpy as np
        from astropy.table import QTable
        from astropy.units import Unit

        from reportgen.errors import ConfigError
        from reportgen.quality.history import open_history
        from reportgen.quality.lookup import history_beside
        from reportgen.quality.overview import read_series

        place = history_beside(self.folder)
        if place is None:
            said = f"{self.folder.parent}: there is no history beside the run"
            raise ConfigError(said, "`reportgen history import` makes one from runs")
        with open_history(place) as history:
            series = read_series(history, metric, self.summary.report.id, nights)
        found = series.nights
        values = [
            p.value if p.unit == series.unit and p.value is not None else np.nan for p in found
        ]
        table = QTable(meta={"label": series.label})
        table["night"] = [str(point.night) for point in found]
        table["run"] = [point.run for point in found]
        table["value"] = np.array(values) * Unit(series.unit, parse_strict="silent")
        table["status"] = [point.status or "" for point in found]
        table["verdict"] = [point.verdict or "" for point in found]
        return table

    def _repr_html_(self) -> str:
        from html import escape

        from reportgen.quality.checks.verdicts import verdict_sentence

        cells = [
            (section.title, section.status, section.error.message if section.error else finding)
            for section in self.summary.sections
            for finding in (next(iter(section.findings), ""),)
        ]
        rows = ["".join(f"<td>{escape(text)}</td>" for text in row) for row in cells]
        page = self.summary.documents.get("html")
        title = escape(self.summary.report.title)
        if page is not None and page.file:
            title = f'<a href="{escape((self.folder / page.file).as_uri())}">{title}</a>'
        return (
            f"<p><strong>{title}</strong>, {escape(self.id)}: "
            f"{escape(verdict_sentence(self.summary))}</p>"
            "<table><thead><tr><th>Section</th><th>Status</th><th>Finding</th></tr></thead>"
            f"<tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"
        )
