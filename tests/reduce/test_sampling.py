import numpy as np
import pytest
from tables import Table

from reportgen.reduce.counts import CountValues
from reportgen.reduce.executors import Inline, Threads
from reportgen.reduce.partitions import LEAF
from reportgen.reduce.quantiles import Quantiles
from reportgen.reduce.sampling import Sample
from reportgen.reduce.scan import scan


@pytest.mark.parametrize(
    ("rows", "most_rows", "leaves"),
    [
        (10 * LEAF, None, range(10)),
        (10 * LEAF, 10 * LEAF, range(10)),
        (10 * LEAF, 5 * LEAF, range(0, 10, 2)),
        (10 * LEAF, 6 * LEAF, range(0, 10, 2)),
        (10 * LEAF, 1, [0]),
        (6 * LEAF + 5, 4 * LEAF, [0, 2, 4, 6]),
        (5 * LEAF + 5, 3 * LEAF, [0, 2, 4]),
    ],
)
def test_a_sample_is_every_so_many_leaves(rows, most_rows, leaves):
    columns = {"x": np.arange(float(rows))}
    sample = Sample.of(Table(columns), most_rows)
    kept = np.concatenate([columns["x"][leaf * LEAF : (leaf + 1) * LEAF] for leaf in leaves])
    assert sample.rows == len(kept) <= max(most_rows or rows, LEAF)
    wanted = [CountValues("x"), Quantiles("x", (0.0, 0.5, 1.0))]
    for executor in Inline(), Threads(3):
        count, quantiles = scan(wanted, sample, 10**7, executor).values()
        assert count.valid == len(kept)
        assert quantiles.values == pytest.approx([kept[0], np.median(kept), kept[-1]])


def test_how_many_rows_have_been_read_is_said_at_each_pass():
    said = []
    table = Table({"x": np.arange(10.0 * LEAF)})
    for executor in Inline(lambda *rows: said.append(rows)), Threads(2, lambda *r: said.append(r)):
        scan([CountValues("x")], table, 0, executor)
        assert said == [
            (0, 10 * LEAF),
            (4 * LEAF, 10 * LEAF),
            (8 * LEAF, 10 * LEAF),
            (10 * LEAF,) * 2,
        ]
        said.clear()
