import numpy as np
import pytest
from tables import Table

from reportgen.reduce.scan import scan
from reportgen.reduce.sentinels import SuspectedSentinels

NORMAL = np.random.default_rng(4).normal(20, 2, 3000)
UNIFORM = np.random.default_rng(4).uniform(0.01, 1, 3000)


def suspected(values, exact_rows=10**6):
    wanted = SuspectedSentinels("x")
    found = scan([wanted], Table({"x": np.asarray(values, dtype=float)}), exact_rows)[wanted]
    return [(each.value, each.rows) for each in found]


@pytest.mark.parametrize("exact_rows", [10**6, 0])
def test_usual_marks_apart_from_the_other_values_are_suspected(exact_rows):
    values = np.concatenate([NORMAL, [-999] * 105, [-9] * 29, [99] * 4, [np.nan] * 7])
    assert suspected(values, exact_rows) == [(-999, 105), (-9, 29), (99, 4)]
    assert suspected(np.concatenate([UNIFORM, [0] * 20]), exact_rows) == [(0, 20)]


@pytest.mark.parametrize(
    "values",
    [
        np.concatenate([NORMAL, [-999] * 3]),  # too few
        np.concatenate([NORMAL - 20, [0] * 50]),  # amid the others
        np.arange(3000) // 10,  # 0 is as common as the numbers after it
        [0] * 20 + [1] * 5,  # a flag
        [0] * 10 + [1] * 45,
        [-99] * 50,
        [],
        [np.nan],
    ],
)
def test_other_values_are_not(values):
    assert suspected(values) == []
