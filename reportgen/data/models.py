"""Where the files of a trained network are; what is in them is read in the room ``cnn``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reportgen.config.loader import Report
from reportgen.data.opening import longest_look
from reportgen.errors import SourceError


@dataclass(frozen=True)
class ModelFiles:
    """The files of a network, not yet read.

    where: ``file:line:column: key`` of the configuration for the architecture, and places: for each
    set of weights, put before messages.
    """

    name: str
    architecture: Path
    weights: Mapping[str, Path]
    trained_with: Literal["theano", "tensorflow"] | None
    where: str
    places: Mapping[str, str]

    @property
    def files(self) -> list[Path]:
        """All of them."""
        return [self.architecture, *self.weights.values()]

    @property
    def longest_look(self) -> float:
        """Seconds after which reading them is given up: libhdf5 may loop on a damaged one."""
        return longest_look(self.files)

    def unreadable(self, why: str) -> SourceError:
        """Return that reading them took too long, or ended the process that did."""
        files = ", ".join(str(file) for file in self.files)
        said = f"{self.where}: reading the files of {self.name} failed: {why}: {files}"
        return SourceError(said, "one of them is damaged")


def locate_model(report: Report, name: str) -> ModelFiles:
    """Return where the files of a network are."""
    block = report.models[name]
    places = {key: report.place("models", name, "weights", key) for key in block.weights}
    where = report.place("models", name, "architecture")
    files = {key: weights.file for key, weights in block.weights.items()}
    return ModelFiles(name, block.architecture, files, block.trained_with, where, places)
