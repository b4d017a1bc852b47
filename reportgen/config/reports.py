"""A YAML file to its reports: one for each combination of its matrix."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportgen.config.document import Source
from reportgen.config.loader import AnalysisTypes, OpenCatalogues, Report, load_report
from reportgen.config.matrix import Cell, choose_cells, read_cells
from reportgen.config.types import check_file_names
from reportgen.errors import ConfigError
from reportgen.wording import listed

MOST_SHOWN = 4  # values of a key in the title of all reports


@dataclass(frozen=True)
class Matrix:
    """All reports of a YAML file with a matrix, in its order.

    title: of all of them. folder: the one that holds all of theirs. chosen: those that are wanted.
    """

    path: Path
    title: str
    folder: Path
    reports: tuple[Report, ...]
    chosen: tuple[Report, ...]


class Reports:
    """A YAML file, with a matrix or without, from which reports are loaded.

    cells: those that were chosen, which are all or those of ``wanted``; none without a matrix.
    """

    def __init__(
        self,
        path: Path | Source,
        analyses: AnalysisTypes,
        overrides: Iterable[str] = (),
        *,
        wanted: Iterable[str] = (),
        output: Path | None = None,
        environment: Mapping[str, str] = os.environ,
        open_catalogues: OpenCatalogues | None = None,
    ) -> None:
        """Read the file and its matrix.

        wanted: ``name=value`` texts that combinations must have. output: folder of the runs, or of
        the folders of all combinations, in place of the YAML's. open_catalogues: as in
        ``load_report``.
        Raises ConfigError for what is wrong with the matrix, or with what is wanted of it.
        """
        self._source = path if isinstance(path, Source) else Source.read(path)
        self._output = None if output is None else _checked_output(output)
        self._analyses, self._overrides = analyses, tuple(overrides)
        self._environment, self._open_catalogues = environment, open_catalogues
        wanted = tuple(wanted)
        found = read_cells(self._source.document(self._overrides, environment))
        if found is None and wanted:
            said = f"--cell {wanted[0]}: {self._source.path} has no matrix"
            raise ConfigError(said, "leave --cell out, or add matrix:")
        self._all = found or ()
        self.cells = choose_cells(self._all, wanted) if wanted else self._all

    def one(self, cell: Cell | None = None) -> Report:
        """Load one report.

        Raises ConfigError that lists every problem, a line each.
        """
        return load_report(
            self._source,
            self._analyses,
            self._overrides,
            self._environment,
            cell,
            output=self._output,
            open_catalogues=self._open_catalogues,
        )

    def all(self) -> Matrix:
        """Load the reports of all combinations, whichever were chosen.

        Raises ConfigError that lists every problem of any, a line each, with the combinations that
        have it unless all do; or that names two combinations with one id or output folder.
        """
        reports: list[Report] = []
        problems: dict[str, list[Cell]] = {}
        for cell in self._all:
            try:
                reports.append(self.one(cell))
            except ConfigError as error:
                for line in error.message.splitlines():
                    problems.setdefault(line, []).append(cell)
        if problems:
            raise ConfigError("\n".join(map(self._line, problems, problems.values())))
        _refuse_same(reports, "id", ("report", "id"), [each.report.id for each in reports])
        folders = [os.path.realpath(each.output.folder) for each in reports]
        _refuse_same(reports, "output folder", ("output", "folder"), folders)
        parents = {report.output.folder.absolute().parent for report in reports}
        common = Path(os.path.commonpath(parents))
        chosen = tuple(report for report in reports if report.cell in self.cells)
        return Matrix(self._source.path, self._title(), common, tuple(reports), chosen)

    def _line(self, line: str, cells: list[Cell]) -> str:
        """Return a problem with the combinations that have it."""
        if len(cells) == len(self._all):
            return line
        more = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
        return f"{line} [{cells[0]}{more}]"

    def _title(self) -> str:
        """Return a title of all reports: that of one, with the values of all."""
        texts: dict[str, dict[str, None]] = {}
        for cell in self._all:
            for name, text in cell.texts.items():
                texts.setdefault(name, {})[text] = None
        values = {name: listed(list(each), MOST_SHOWN) for name, each in texts.items()}
        block = self._source.document(self._overrides, self._environment, values).values["report"]
        title = block.get("title") if isinstance(block, dict) else None
        return str(title).strip()


def _refuse_same(
    reports: Sequence[Report], noun: str, path: tuple[str, str], values: Sequence[str]
) -> None:
    """Raise ConfigError that names two reports which would be taken for one, if there are any."""
    first: dict[str, Report] = {}
    for report, value in zip(reports, values, strict=True):
        other = first.setdefault(value, report)
        if other is not report:
            raise ConfigError(
                f"{report.place(*path)}: two combinations have the {noun} {value}: "
                f"{other.cell} and {report.cell}",
                "use ${{ matrix.NAME }} for each name of the matrix, or leave it out of both "
                "report.id and output.folder, where it is then appended",
            )


def _checked_output(folder: Path) -> Path:
    try:
        check_file_names(folder)
    except ValueError as error:
        raise ConfigError(f"--output: {error}") from None
    return folder.absolute()
