"""Reading tables of files by their formats, as tests of formats do."""

import gzip
import random
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from every_format import write_rows

from reportgen.data.format import Wanted
from reportgen.errors import SourceError

FORMATS = Path(__file__).parents[3] / "shared/data/formats"
SHARED = FORMATS.parent


def write_every(folder, rows):
    """Write the same rows in each format, packed, and in small batches; returns the folder."""
    pa = pytest.importorskip("pyarrow")
    files = write_rows(folder, rows)
    table = pa.feather.read_table(files["rows_feather"])
    pa.feather.write_feather(table, folder / "plain.feather", "uncompressed", chunksize=rows // 3)
    with pa.ipc.new_stream(folder / "stream.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=rows // 4)
    Table.read(files["rows_ecsv"]).write(folder / "tabledata.vot", format="votable")
    for name in ("rows.csv", "rows.fits", "rows.vot", "rows.ecsv"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
    return folder


def described(kind, path, dataset=""):
    """Return the columns of a table by their names."""
    return {column.name: column for column in kind.describe(path, dataset).columns}


def read(kind, path, *wanted, dataset="", rows=None):
    """Return columns by name, or (name, index) of one that has several values; all if none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a library, it would reach the terminal
        table = kind.describe(path, dataset)
        if not wanted:
            columns = [column for column in table.columns if not column.unreadable]
            wanted = [column.name for column in columns if not column.shape]
            vectors = [column for column in columns if len(column.shape) == 1]
            wanted += [(c.name, place) for c in vectors for place in range(min(c.shape[0], 50))]
        places = [Wanted(*(each if isinstance(each, tuple) else (each,))) for each in wanted]
        with kind.open(path, dataset, places) as values:
            found = values(*(rows or (0, table.rows)))
    return dict(zip(wanted, found, strict=True))


def refused(kind, path, *wanted, dataset=""):
    """Return what is said of a table that cannot be read, and what to do."""
    with pytest.raises(SourceError) as error:
        read(kind, path, *wanted, dataset=dataset)
    return f"{error.value.message} | {error.value.hint}"


def same(values, others):
    """Whether two columns hold the same values and miss the same; NaN counts as missing."""
    values, others = np.ma.asarray(values), np.ma.asarray(others)
    if values.dtype.kind in "OSU":
        values = [text or "" for text in values.filled(None).tolist()]
        others = [str(text) if text is not None else "" for text in others.filled("").tolist()]
        return values == [text.rstrip() for text in others]
    missing, gone = (
        np.ma.getmaskarray(each) | (np.isnan(each.data) if each.dtype.kind in "fM" else False)
        for each in (values, others)
    )
    here = ~missing
    return np.array_equal(missing, gone) and np.array_equal(values.data[here], others.data[here])


def damaged(path, folder, seed):
    """Give copies of a file that are truncated, or have other bytes at random places."""
    content = path.read_bytes()
    chance = random.Random(seed)  # noqa: S311
    for number in range(60):
        changed = bytearray(content)
        if number < 20:
            del changed[len(content) * number // 20 :]
        else:
            for _ in range(chance.choice((1, 1, 3, 30))):
                changed[chance.randrange(len(content))] = chance.randrange(256)
        copy = folder / f"{number}{''.join(path.suffixes)}"
        copy.write_bytes(changed)
        yield copy
