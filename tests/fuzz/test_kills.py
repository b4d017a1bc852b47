"""Builds that are killed at random moments leave nothing, lose nothing and say what is true."""

import os

from kills import KilledBuilds, random_kill

KILLS = max(12, int(os.environ.get("REPORTGEN_FUZZ", "0")) * 3 // 200)  # 300 of `make fuzz`
FIRST = int(os.environ.get("REPORTGEN_FUZZ_SEED", "0"))
TOGETHER = 6  # kills between two builds that live


def test_builds_killed_at_random_moments_harm_nothing(tmp_path):
    builds = KilledBuilds(tmp_path)
    for seed in range(FIRST, FIRST + KILLS):
        kill = random_kill(seed)
        try:
            builds.kill(kill)
            if (seed + 1) % TOGETHER == 0:
                builds.complete()
        except AssertionError as error:
            error.add_note(f"seed {seed}: {kill}")
            raise
