"""docs/scale.md: its configurations are right, and it names the keys there are."""

import re
from pathlib import Path

import pytest
import yaml

from reportgen.config.engine import DaskBlock, EngineBlock
from reportgen.reduce.dask_executor import CONNECTING
from reportgen.reduce.executors import LARGE_TASK
from reportgen.reduce.partitions import BLOCK

DOCS = (Path(__file__).parents[1] / "docs" / "scale.md").read_text("utf-8")
BLOCKS = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", DOCS, re.S | re.M)]


@pytest.mark.parametrize("block", [each["engine"] for each in BLOCKS if "engine" in each])
def test_its_engines_are_right(block):
    EngineBlock.model_validate(block)


def test_it_names_all_keys_and_the_numbers_of_the_code():
    for key in DaskBlock.model_fields:
        assert re.search(rf"^ +{key}:|`{key}`", DOCS, re.M), key
    assert f"blocks of {BLOCK:,} rows" in DOCS
    assert f"of {LARGE_TASK:,} rows" in DOCS
    assert CONNECTING == 10
    assert "after at most ten seconds" in DOCS
