"""A column of some rows, as it is read."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.reduce.base import Chunk, Reduction

Parts = list[NDArray[Any]]


@dataclass(frozen=True)
class ReadRows(Reduction[Parts, NDArray[Any]]):
    """The values of a column, texts or numbers, in the rows from start to stop; NaN if missing."""

    column: str
    start_row: int
    stop_row: int

    def start(self) -> Parts:
        return []

    def update(self, state: Parts, chunk: Chunk) -> Parts:
        first, last = self.start_row - chunk.first, self.stop_row - chunk.first
        return [*state, chunk.columns[self.column][max(0, first) : max(0, last)]]

    def merge(self, first: Parts, second: Parts) -> Parts:
        return first + second

    def finish(self, state: Parts) -> NDArray[Any]:
        return np.concatenate(state) if state else np.empty(0)
