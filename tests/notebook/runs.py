"""Run folders, and the numbers that plain h5py reads from the files they were made from."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np
from astropy.table import Table
from projects import read_summary

BANDS = ("flux_36", "flux_45", "flux_58", "flux_80", "flux_24")
NAMES = ("ra", "dec", *BANDS, "stellarity")


@dataclass(frozen=True)
class Run:
    """A run folder, and the files that it was made from.

    hosts: file of the flags of hosts; None where there is none.
    """

    folder: Path
    survey: Path
    hosts: Path | None = None

    @cached_property
    def summary(self):
        return read_summary(self.folder)

    def section(self, name):
        found = next(s for s in self.summary["sections"] if s["id"] == name)
        assert found["status"] == "ok", found["error"]
        return found

    def metric(self, section, name):
        return self.section(section)["metrics"][name]["value"]

    def table(self, section, name):
        record = next(t for t in self.section(section)["tables"] if t["id"] == name)
        return Table.read(self.folder / record["files"]["ecsv"], format="ascii.ecsv")

    @cached_property
    def columns(self):
        """The catalogue's columns by name, NaN where configs/cdfs.yaml says missing."""
        with h5py.File(self.survey) as file:
            rows = file["/swire/cdfs/catalogue"][:]
        rows[rows == -99] = np.nan
        rows[:, 2:7][rows[:, 2:7] == 0] = np.nan
        return dict(zip(NAMES, rows.T, strict=False))

    def valid(self, name):
        values = self.columns[name]
        return values[~np.isnan(values)]

    def pairs(self, first, second):
        """Return two columns in the rows in which both are valid."""
        block = np.stack([self.columns[first], self.columns[second]])
        return block[:, ~np.isnan(block).any(axis=0)]

    @cached_property
    def atlas(self):
        with h5py.File(self.survey) as file:
            return file["/atlas/cdfs/positions"][:].T

    @cached_property
    def is_host(self):
        with h5py.File(self.hosts) as file:
            return file["labels"][:]
