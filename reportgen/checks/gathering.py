"""Gathers what checks need: reference runs, the ages of files, the cells of tables."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from reportgen.checks.cells import cell_reader
from reportgen.checks.facts import Facts, Past, Reference
from reportgen.config.columns import Column
from reportgen.config.loading import Report
from reportgen.config.schema import CatalogueSection, NetworkSection, SectionBlock
from reportgen.errors import ConfigError
from reportgen.summary import InputRecord, Summary, read_summary


def gather_facts(
    report: Report, summary: Summary, run: Path, past: Mapping[tuple[str, str], Past]
) -> Facts:
    """Give what the checks of a run need. run: its folder. past: from the history.

    Reference runs that no check uses are not read.
    """
    return Facts(
        started=datetime.fromisoformat(summary.run.started).astimezone(UTC),
        past=past,
        modified=modified_files(report, summary.inputs),
        references=read_references(report),
        read_cell=cell_reader(run),
    )


def read_references(report: Report) -> dict[str, Reference | str]:
    """Read the reference runs that checks use; for one that cannot be read, give the reason."""
    found: dict[str, Reference | str] = {}
    for name in needed_references(report.sections.values()):
        place = report.references[name]
        folder = place if isinstance(place, Path) else report.output.folder / place
        try:
            found[name] = Reference(read_summary(folder), cell_reader(folder))
        except ConfigError as error:
            found[name] = error.message
    return found


def needed_references(sections: Iterable[SectionBlock]) -> list[str]:
    """Give the names of the references that checks of some sections use, each once."""
    blocks = [check.within for section in sections for check in section.checks]
    return list(dict.fromkeys(block.of for block in blocks if block is not None))


def modified_files(
    report: Report, inputs: Iterable[InputRecord]
) -> dict[str, dict[str, datetime | None]]:
    """Give for each section that checks it when its source files were last changed."""
    times = {record.path: _time(record.modified) for record in inputs}
    return {
        name: {str(file): times.get(str(file)) for file in source_files(report, section)}
        for name, section in report.sections.items()
        if any(check.fresh is not None for check in section.checks)
    }


def source_files(report: Report, section: SectionBlock) -> tuple[Path, ...]:
    """Give the files whose data a section shows: of the columns it names, or of its images.

    All columns of its catalogue when it names none. A network is not what is observed.
    """
    files: list[Path | None] = []
    if isinstance(section, NetworkSection):
        files = [report.images[section.images.name].file]
    elif isinstance(section, CatalogueSection):
        catalogue = report.catalogues[section.catalogue]
        names = {column.name for column in _columns_in(section)}
        names |= section.where.columns if section.where is not None else frozenset()
        chosen = names & catalogue.columns.keys() or catalogue.columns.keys()
        files = [
            block.file or catalogue.file
            for name, block in catalogue.columns.items()
            if name in chosen
        ]
    return tuple(dict.fromkeys(file for file in files if file is not None))


def _columns_in(value: object) -> Iterator[Column]:
    """Give the columns that the keys of a section name."""
    if isinstance(value, Column):
        yield value
    elif isinstance(value, BaseModel):
        for key in type(value).model_fields:
            yield from () if key == "checks" else _columns_in(getattr(value, key))
    elif isinstance(value, Mapping):
        yield from _columns_in(tuple(value.values()))
    elif isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from _columns_in(item)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
