"""Reading tables of files by their formats, as tests of formats do."""

import random
import warnings
from math import prod
from pathlib import Path

import numpy as np

from reportgen.data.format import Wanted
from reportgen.errors import SourceError

FORMATS = Path(__file__).parents[3] / "shared/data/formats"
SHARED = FORMATS.parent


def read(kind, path, dataset="", *wanted, start=0, stop=None):
    """Return rows of columns by their names, of (name, index) in vector columns; all if none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a library, it would reach the terminal
        table = kind.describe(path, dataset)
        columns = [column for column in table.columns if not column.unreadable]
        wanted = wanted or [
            each
            for column in columns
            for each in (
                [(column.name, index) for index in range(min(prod(column.shape), 50))]
                if column.shape
                else [column.name]
            )
        ]
        places = [Wanted(*(each if isinstance(each, tuple) else (each,))) for each in wanted]
        with kind.open(path, dataset, places) as rows:
            values = rows(start, table.rows if stop is None else stop)
    return dict(zip(wanted, values, strict=True))


def same(values, others):
    """Whether two columns hold the same values and miss the same; NaN counts as missing."""
    values, others = np.ma.asarray(values), np.ma.asarray(others)
    if values.dtype.kind in "OSU":
        values = [text or "" for text in values.filled(None).tolist()]
        others = [str(text) if text is not None else "" for text in others.filled("").tolist()]
        return values == [text.rstrip() for text in others]
    missing = np.ma.getmaskarray(values) | _is_nan(values)
    gone = np.ma.getmaskarray(others) | _is_nan(others)
    here = ~missing
    return np.array_equal(missing, gone) and np.array_equal(values.data[here], others.data[here])


def _is_nan(values):
    return np.isnan(values.data) if values.dtype.kind == "f" else np.zeros(len(values), bool)


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


def check_damage(kind, path, folder, seed, dataset=""):
    """Each damaged copy is read with as many rows as it says, or is a SourceError with a hint.

    Returns how many could be read.
    """
    could = 0
    for copy in damaged(path, folder, seed):
        try:
            rows = kind.describe(copy, dataset).rows
            assert rows <= 10**6, "more rows than can be in so small a file"
            for values in read(kind, copy, dataset).values():
                assert len(values) == rows
        except SourceError as error:
            told = error
        else:
            could += 1
            continue
        assert told.message
        assert told.hint, told.message
        assert "\n" not in told.message
        assert not told.message.startswith(str(copy))
    return could
