"""The sources of a report: which can be opened, and what is wrong with the others."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from reportgen.config.loader import Report
from reportgen.config.sources import CatalogueBlock
from reportgen.data.catalogue import Catalogue, Place, all_problems, open_catalogues, tables_of
from reportgen.data.file_digests import FileDigests
from reportgen.data.format import TableError
from reportgen.data.images import ImageStack, open_images
from reportgen.data.missing import missing_files_advice, with_advice
from reportgen.data.models import ModelFiles, locate_model
from reportgen.data.opening import Found, TableKey, describe_tables, remember_tables
from reportgen.data.store import FOLDER, Store
from reportgen.errors import SourceError
from reportgen.remote.server import forget_versions


@dataclass(frozen=True)
class Sources:
    """The sources that could be opened, and what is wrong with the others.

    errors: by kind and name, as in ``open_sources``. files: those of all sources. unreadable: why
    some of these cannot be read at all. advice: what to do about those that are not there.
    """

    catalogues: Mapping[str, Catalogue]
    images: Mapping[str, ImageStack]
    models: Mapping[str, ModelFiles]
    errors: Mapping[tuple[str, str], SourceError]
    files: tuple[Path, ...]
    unreadable: Mapping[Path, str]
    advice: str = ""

    @property
    def problems(self) -> list[SourceError]:
        """All that is wrong: with whole sources, and with columns of catalogues."""
        of_columns = [all_problems(c.broken.values()) for c in self.catalogues.values() if c.broken]
        return [*self.errors.values(), *of_columns]


def open_sources(
    report: Report, names: Collection[tuple[str, str]], contents: FileDigests | None = None
) -> Sources:
    """Open some sources; names: the kind (a key of the YAML, such as catalogues) and the name.

    contents: what is known of files, which are not opened for that.
    """
    catalogues: dict[str, Catalogue] = {}
    images: dict[str, ImageStack] = {}
    models: dict[str, ModelFiles] = {}
    errors: dict[tuple[str, str], SourceError] = {}
    files: list[Path] = []
    tables: dict[TableKey, Found] = {}
    of_images: dict[TableKey, Found] = {}
    contents = contents or FileDigests()
    for kind, name in [key for key in every_source(report) if key in names]:
        try:
            if kind == "catalogues":
                files += [file for file, _ in tables_of(report.catalogues[name])]
                catalogues[name] = _catalogue(report, name, contents)
                tables |= catalogues[name].tables
            elif kind == "images":
                files.append(report.images[name].file)
                images[name] = open_images(report, name, contents)
            else:
                models[name] = locate_model(report, name)
                files += models[name].files
        except SourceError as error:
            errors[kind, name] = error
            if kind == "catalogues":
                tables |= describe_tables(tables_of(report.catalogues[name]), contents)
            elif kind == "images":
                key = report.images[name].file, report.images[name].dataset or ""
                of_images |= describe_tables([key], contents, images=True)
    found = tuple(dict.fromkeys(files))
    unreadable = {
        file: table.message.removeprefix(f"{file}: ")
        for (file, _), table in [*tables.items(), *of_images.items()]
        if isinstance(table, SourceError) and not isinstance(table, TableError)
    }
    advice = missing_files_advice(report, found)
    errors = {key: with_advice(error, advice) for key, error in errors.items()}
    return Sources(catalogues, images, models, errors, found, unreadable, advice)


def look_at_catalogues(
    blocks: Mapping[str, CatalogueBlock], place: Place, folder: Path | None, *, cache: bool
) -> dict[str, Catalogue | SourceError]:
    """Look what is in catalogues while the configuration is read; nothing is written.

    folder: of the runs, where what is known of files is remembered; cache: whether it may serve.
    """
    forget_versions()  # of a build before, in the same process
    store = Store(folder / FOLDER, read_only=True) if cache and folder is not None else None
    return open_catalogues(blocks, place, FileDigests(store))


def _catalogue(report: Report, name: str, contents: FileDigests | None) -> Catalogue:
    """Return a catalogue as it was found when the configuration was read, if it is still so."""
    found = report.opened.get(name)
    if found is None or (isinstance(found, Catalogue) and found.has_changed):
        blocks = {name: report.catalogues[name]}
        found = open_catalogues(blocks, report.place, contents)[name]
    if isinstance(found, SourceError):
        raise found
    assert isinstance(found, Catalogue)  # noqa: S101
    if contents is not None:
        remember_tables(found.tables, found.stamps, contents)
    return found


def every_source(report: Report) -> list[tuple[str, str]]:
    """Return the kinds and names of all sources of a report."""
    named = {"catalogues": report.catalogues, "images": report.images, "models": report.models}
    return [(kind, name) for kind, blocks in named.items() for name in blocks]
