"""The same rows in files of every format."""

import h5py
import numpy as np
import pytest
from astropy.io.votable import from_table
from astropy.table import MaskedColumn, Table


def write_rows(folder, rows):
    """Write the same rows in each format; returns the files by what may name a catalogue.

    The columns are of each kind of numbers, with integers beyond those that float64 holds; of
    colour every tenth value is missing, which each format says in its own way.
    """
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    random = np.random.default_rng(16)
    colour = random.normal(size=rows)
    missing = np.arange(rows) % 10 == 3
    colour[missing] = np.nan
    columns = {
        "ra": random.uniform(52, 54, rows),
        "dec": random.uniform(-29, -27, rows),
        "flux": random.lognormal(3, 1, rows).astype(np.float32),
        "id": 2**53 + 1 + 2 * np.arange(rows),
        "is_star": random.random(rows) < 0.3,
        "colour": colour,
    }
    table = Table(columns)
    table["colour"] = MaskedColumn(np.nan_to_num(colour), mask=missing)
    with h5py.File(folder / "rows.h5", "w") as file:
        file["rows"] = np.rec.fromarrays(list(columns.values()), names=list(columns))
    for name in ("rows.fits", "rows.ecsv", "rows.csv"):
        table.write(folder / name)
    from_table(table).to_xml(str(folder / "rows.vot"), tabledata_format="binary2")
    masked = arrow.array(colour, mask=missing)
    rows_of_arrow = arrow.table(columns).set_column(5, "colour", masked)
    parquet.write_table(rows_of_arrow, folder / "groups.parquet", row_group_size=1000)
    parquet.write_table(rows_of_arrow, folder / "one_group.parquet", row_group_size=2**20)
    feather.write_feather(rows_of_arrow, folder / "rows.feather")
    return {path.name.replace(".", "_"): path for path in sorted(folder.glob("*.*"))}
