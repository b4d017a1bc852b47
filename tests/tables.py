"""A table in memory that is scanned as a catalogue is."""

from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Table:
    """Columns as a source of a scan. readings: which of them were asked for, each time."""

    columns: dict
    readings: list = field(default_factory=list)

    @property
    def rows(self):
        return len(next(iter(self.columns.values())))

    @contextmanager
    def reading(self, names):
        self.readings.append(set(names))
        columns = {name: np.asarray(self.columns[name], dtype=np.float64) for name in names}
        yield lambda rows: {
            name: values[rows.start : rows.stop].copy() for name, values in columns.items()
        }
