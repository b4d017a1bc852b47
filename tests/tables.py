"""A table in memory that is scanned as a catalogue is."""

from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from reportgen.data.dataset import as_numbers, with_remainders


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
        columns = {name: as_read(self.columns[name]) for name in names}
        yield lambda rows: {
            name: values[..., rows.start : rows.stop].copy() for name, values in columns.items()
        }


def as_read(values):
    """Return a column as the reader of a file gives it."""
    raw = np.asarray(values)
    return with_remainders(as_numbers(raw, ()), raw)
