import numpy as np
import pytest
from tables import Table

from reportgen.reduce.counts import CountValues
from reportgen.reduce.executors import Inline
from reportgen.reduce.moments import MeanStd
from reportgen.reduce.partitions import BLOCK, LEAF
from reportgen.reduce.sampling import Sampled, Sampling
from reportgen.reduce.scan import scan


@pytest.mark.parametrize(
    ("rows", "most_rows", "blocks"),
    [
        (10 * BLOCK, None, range(10)),
        (10 * BLOCK, 10 * BLOCK, range(10)),
        (10 * BLOCK, 5 * BLOCK, range(0, 10, 2)),
        (10 * BLOCK, 6 * BLOCK, range(0, 10, 2)),
        (10 * BLOCK, 1, [0]),
        (6 * BLOCK + 5, 4 * BLOCK, [0, 2, 4, 6]),
        (5 * BLOCK + 5, 3 * BLOCK, [0, 2, 4]),
    ],
)
def test_a_sample_is_every_so_many_blocks(rows, most_rows, blocks):
    columns = {"x": np.arange(float(rows))}
    sampling = Sampling.of(rows, most_rows)
    kept = np.concatenate([columns["x"][each * BLOCK : (each + 1) * BLOCK] for each in blocks])
    assert sampling.rows(rows) == len(kept) <= max(most_rows or rows, BLOCK)
    wanted = [CountValues("x"), MeanStd("x")]
    sampled = Sampled(Inline(), sampling)
    counted, moments = scan(wanted, Table(columns), -1, sampled).values()
    assert counted.valid == len(kept)
    assert (moments.mean, moments.std) == pytest.approx((kept.mean(), kept.std()))


def test_how_many_rows_have_been_read_is_said_at_each_pass():
    said = []
    table = Table({"x": np.arange(2.0 * LEAF + BLOCK)})
    scan([CountValues("x")], table, 0, Inline(lambda *rows: said.append(rows)))
    assert said == [(each, table.rows) for each in (0, LEAF, 2 * LEAF, table.rows)]
