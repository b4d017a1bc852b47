"""Damaged files with tables are read in whole or refused with a cure, in time."""

import os

import pytest
from formats import try_files, write_originals

TRIES = max(50, int(os.environ.get("REPORTGEN_FUZZ", "0")) * 3 // 20)  # 3,000 of `make fuzz`
FIRST = int(os.environ.get("REPORTGEN_FUZZ_SEED", "0"))
BATCH = 100


def test_damaged_files_are_read_in_whole_or_refused_with_a_cure(tmp_path):
    pytest.importorskip("pyarrow")
    originals = tmp_path / "originals"
    originals.mkdir()
    paths = write_originals(originals)
    wrong, read = {}, 0
    for start in range(FIRST, FIRST + TRIES, BATCH):
        seeds = range(start, min(start + BATCH, FIRST + TRIES))
        found, whole = try_files(tmp_path / str(start), paths, seeds)
        wrong |= found
        read += whole
    assert wrong == {}
    assert TRIES // 20 < read < TRIES // 2
