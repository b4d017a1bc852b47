"""Reading tables of a format in tests, and damaging their files."""

from pathlib import Path

import numpy as np

from reportgen.data.format import Wanted
from reportgen.errors import SourceError

FORMATS = Path(__file__).parents[1] / ".." / "shared" / "data" / "formats"


def described(form, path):
    """Return the columns of a table by their names."""
    return {column.name: column for column in form.describe(path, "").columns}


def read(form, path, *names, rows=None):
    """Return columns, all that can be read unless some are named; rows: first and last + 1."""
    table = form.describe(path, "")
    columns = {each.name: each for each in table.columns if not each.unreadable}
    wanted = [
        each if isinstance(each, Wanted) else Wanted(each, 0 if columns[each].shape else None)
        for each in names or columns
    ]
    with form.open(path, "", wanted) as values:
        found = values(*(rows or (0, table.rows)))
    return dict(zip([each.column for each in wanted], found, strict=True))


def same(one, other):
    """Return whether arrays are of one type, and equal where neither is missing."""
    masks = [np.ma.getmaskarray(each) for each in (one, other)]
    data = [np.ma.getdata(each)[~mask] for each, mask in zip((one, other), masks, strict=True)]
    alike = one.dtype == other.dtype and np.array_equal(*masks)
    return alike and np.array_equal(*data, equal_nan=one.dtype.kind in "fM")


def survive_damage(form, path, tries, names=None):
    """Read a file with bytes cut off and bytes changed; return how many were refused.

    Each gives as many rows as it says, or a SourceError; nothing else.
    """
    whole = path.read_bytes()
    generator = np.random.default_rng(20261130)
    refused = 0
    for number in range(tries):
        data = bytearray(whole)
        if number < tries // 4:
            del data[int(generator.integers(1, len(data))) :]
        for place in generator.integers(0, len(data), generator.integers(0, 4)):
            data[place] ^= int(generator.integers(1, 256))
        path.write_bytes(data)
        try:
            start = path.read_bytes()[:4096]
            form.recognises(path, start)
            table = form.describe(path, "")
            wanted = [Wanted(name) for name in names or [each.name for each in table.columns]]
            with form.open(path, "", wanted) as values:
                stop = min(table.rows, 10**6)
                assert {len(each) for each in values(0, stop)} == {stop}
        except SourceError:
            refused += 1
    path.write_bytes(whole)
    return refused
