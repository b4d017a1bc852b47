"""Configurations changed at random end in time, with an exit code and a sentence."""

import os

from configurations import try_seeds

TRIES = int(os.environ.get("REPORTGEN_FUZZ", "100"))
BATCH = 500  # inputs to a process


def test_configurations_changed_at_random_are_checked_and_built_or_refused_in_a_sentence():
    wrong = {}
    for start in range(0, TRIES, BATCH):
        wrong |= try_seeds(range(start, min(start + BATCH, TRIES)))
    assert wrong == {}
