"""The sources of a report: which can be opened, and what is wrong with the others."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from reportgen.config.loading import Report
from reportgen.data.catalogue import Catalogue, all_problems, open_catalogue
from reportgen.data.images import ImageStack, open_images
from reportgen.errors import SourceError


@dataclass(frozen=True)
class Sources:
    """The sources that could be opened, what is wrong with the others, and the files of all."""

    catalogues: Mapping[str, Catalogue]
    images: Mapping[str, ImageStack]
    errors: Mapping[str, SourceError]
    files: tuple[Path, ...]

    @property
    def problems(self) -> list[SourceError]:
        """All that is wrong: with whole sources, and with columns of catalogues."""
        of_columns = [all_problems(c.broken.values()) for c in self.catalogues.values() if c.broken]
        return [*self.errors.values(), *of_columns]


def open_sources(report: Report, names: Collection[str]) -> Sources:
    """Open the catalogues and image stacks of some names."""
    catalogues: dict[str, Catalogue] = {}
    images: dict[str, ImageStack] = {}
    errors: dict[str, SourceError] = {}
    files: list[Path] = []
    for name, block in report.catalogues.items():
        if name in names:
            of_columns = [column.file or block.file for column in block.columns.values()]
            files += [file for file in of_columns if file is not None]
            try:
                catalogues[name] = open_catalogue(report, name, partial=True)
            except SourceError as error:
                errors[name] = error
    for name, stack in report.images.items():
        if name in names:
            files.append(stack.file)
            try:
                images[name] = open_images(report, name)
            except SourceError as error:
                errors[name] = error
    return Sources(catalogues, images, errors, tuple(dict.fromkeys(files)))


def check_models(report: Report) -> list[SourceError]:
    """Say which files of the models are not there."""
    problems = []
    for name, model in report.models.items():
        named = {"architecture": model.architecture}
        named |= {f"weights.{key}": path for key, path in model.weights.items()}
        for key, path in named.items():
            if not path.is_file():
                where = report.place("models", name, *key.split(".", 1))
                problems.append(SourceError(f"{where}: {path}: there is no such file"))
    return problems
