import numpy as np
import pytest

from reportgen.reduce.sketch import Sketch

KINDS = {
    "positive": lambda rng, n: rng.lognormal(3, 1.5, n),
    "both signs": lambda rng, n: rng.normal(0, 100, n),
    "many zeros": lambda rng, n: np.where(rng.uniform(size=n) < 0.5, 0.0, rng.lognormal(3, 2, n)),
    "two far apart": lambda rng, n: rng.choice([1e-200, 1e200], n) * rng.uniform(1, 2, n),
    "few": lambda rng, n: np.round(rng.uniform(size=n), 2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_sketch_is_that_of_all_values_sorted(kind):
    values = KINDS[kind](np.random.default_rng(6), 40_000)
    found, other, exact = Sketch(1000), Sketch(1000), Sketch(len(values))
    for number, part in enumerate(np.array_split(values, 23)):
        (other if number > 11 else found).add(part)
        assert found.n_waiting < 4 * 1000
    found.merge(other)
    found.count()
    # Dropping no bits and then those that the others dropped is the definition.
    exact.add(values)
    exact.count()
    assert exact.dropped == 0
    keys, places = np.unique(exact.keys >> np.uint64(found.dropped), return_inverse=True)
    assert found.keys.tolist() == keys.tolist()
    assert found.counts.tolist() == np.bincount(places, exact.counts).astype(int).tolist()
    assert len(keys) <= 1000
    if found.dropped:
        assert len(np.unique(exact.keys >> np.uint64(found.dropped - 1))) > 1000
