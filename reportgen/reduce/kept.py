"""Columns of a source kept in memory while it is read."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
# Gives the rows of some columns anew on every call.
ReadChunks = Callable[[frozenset[str]], Iterator[Mapping[str, Any]]]


class KeptColumns:
    """Some columns of a source, whole, filled while its chunks pass by.

    Each column is one array of the length that the source has said, so nothing is copied later.
    """

    def __init__(self, names: frozenset[str], rows: int) -> None:
        self._columns = {name: np.empty(rows) for name in sorted(names)}
        self._stops = [0]

    @property
    def rows(self) -> int:
        """How many rows have passed by."""
        return self._stops[-1]

    @property
    def columns(self) -> dict[str, Values]:
        """The columns, by name."""
        return {name: values[: self.rows] for name, values in self._columns.items()}

    def reading(self, read_chunks: ReadChunks) -> ReadChunks:
        """Give a way to read that keeps the columns."""

        def read(columns: frozenset[str]) -> Iterator[Mapping[str, Any]]:
            self._stops = [0]
            for chunk in read_chunks(columns | self._columns.keys()):
                start = self.rows
                stop = start + len(next(iter(chunk.values())))
                for name, values in self._columns.items():
                    values[start:stop] = chunk[name]
                self._stops.append(stop)
                yield {**chunk, **self._part(start, stop)}
                del chunk

        return read

    def again(self, columns: frozenset[str]) -> Iterator[Mapping[str, Any]]:
        """Give the same chunks again, of the kept columns."""
        for start, stop in zip(self._stops, self._stops[1:], strict=False):
            yield self._part(start, stop)

    def _part(self, start: int, stop: int) -> dict[str, Values]:
        return {name: values[start:stop] for name, values in self._columns.items()}
