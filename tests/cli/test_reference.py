import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import Field

from reportgen.analyses.base import Analysis, installed_analyses
from reportgen.analyses.distribution import Distribution
from reportgen.cli.reference import (
    configuration_schema,
    describe_analysis,
    first_line,
    installed_schema,
)
from reportgen.config.schema import SectionBlock, Settings
from reportgen.config.types import Block, ColumnRef
from reportgen.docstrings import field_docstrings

CHECKER = Path(sys.executable).with_name("check-jsonschema")


class Inner(Block):
    size: int
    """How large."""
    kind: Literal["round", "square"] = "round"
    """Which shape."""
    tags: tuple[str, ...] = Field(default_factory=tuple)
    """Its names."""


class Everything(Analysis, name="everything"):
    """Has a key of every kind.

    More about it.
    """

    column: ColumnRef
    """A column."""
    flag: bool = False
    """Yes or no."""
    limits: tuple[float, ...] = (1.5, 2)
    """Some numbers."""
    one: Inner | None = None
    """One block."""
    several: tuple[Inner, ...] = ()
    """A list of blocks."""
    named: dict[str, Inner] = Field(default_factory=dict)
    """Blocks by name."""
    share: Annotated[float, Field(ge=0)] | Literal["auto"] = "auto"
    """A number or a word."""


class Narrower(Inner):
    size: int = Field(default=3, description="Said otherwise.")
    """How large."""
    tags: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def said():
    return describe_analysis(Everything)


@pytest.mark.parametrize(
    "lines",
    [
        "everything: Has a key of every kind.",
        "  column (text; required)\n      A column.",
        "  flag (true or false; default false)\n      Yes or no.",
        "  limits (list of number; default [1.5, 2",
        "  one (keys and values; default none)\n      One block.\n"
        "      size (whole number; required): How large.\n"
        "      kind (round or square; default round): Which shape.\n"
        "      tags (list of text; optional): Its names.",
        "  several (list of keys and values; default [])\n      A list of blocks.\n      size (",
        "      Blocks by name.\n      size (whole number; required): How large.",
        "  share (number or auto; default auto)\n      A number or a word.",
        "Keys of every section:\n  analysis (text; required)",
    ],
)
def test_an_analysis_is_documented_by_its_fields(said, lines):
    assert lines in said


@pytest.mark.parametrize("analysis", installed_analyses().types.values(), ids=lambda a: a.name)
def test_every_key_of_every_analysis_is_described(analysis):
    said = describe_analysis(analysis)
    assert first_line(analysis)
    described = field_docstrings(analysis)
    for name in analysis.model_fields:
        assert described[name]
        assert f"  {name} (" in said
    for line in said.splitlines():
        assert not line.endswith(": "), line


def test_the_keys_of_an_analysis_come_before_those_of_every_section(said):
    own, common = said.split("Keys of every section:")
    assert own.index("column (") < own.index("flag (")
    names = [line.split()[0] for line in common.splitlines() if re.match(r"  \w", line)]
    assert names[:4] == ["analysis", "title", "catalogue", "where"]
    assert max(map(len, describe_analysis(Distribution).splitlines())) <= 100


def test_a_field_may_be_described_otherwise_and_keeps_what_it_inherits():
    properties = Narrower.model_json_schema()["properties"]
    said = {name: shape["description"] for name, shape in properties.items()}
    assert said == {"size": "Said otherwise.", "kind": "Which shape.", "tags": "Its names."}


@pytest.fixture(scope="module")
def schema():
    return configuration_schema({"everything": Everything, **installed_analyses().types})


def test_the_schema_holds_each_analysis_with_its_fields(schema):
    Draft202012Validator.check_schema(schema)
    assert {"check", "report_budgets", "inner"} <= schema["$defs"].keys(), "editors show the names"
    assert not any(name[0].isupper() for name in schema["$defs"])
    own = schema["$defs"]["everything"]
    assert set(own["properties"]) == set(Everything.model_fields)
    assert own["properties"]["analysis"]["const"] == "everything"
    assert own["additionalProperties"] is False
    assert {"analysis", "catalogue", "title", "column"} <= set(own["required"])
    assert set(SectionBlock.model_fields) < set(own["properties"])
    assert set(schema["properties"]) == set(Settings.model_fields)
    assert "sections" in schema["required"]
    assert "output" not in schema["required"]
    assert "timeout" not in schema["$defs"]["overview"]["required"]
    check = schema["$defs"]["check"]["properties"]
    assert "from" in check
    assert "from_" not in check


def test_the_schema_tells_right_from_wrong(schema):
    section = {"analysis": "overview", "catalogue": "c", "title": "One", "memory_limit": "2 GB"}
    keys = {
        "report": {"id": "a", "title": "A"},
        "budgets": {"html": "3 MB", "pdf": 10_000_000, "seconds": "${SECONDS}", "memory": "1 GB"},
        "catalogues": {"c": {"columns": {"x": {"file": "a", "dataset": "b"}}}},
        "sections": {"one": {**section, "budgets": {"seconds": 5, "severity": "fail"}}},
    }
    validator = Draft202012Validator(schema)
    assert validator.is_valid(keys)
    keys["sections"] = {"one": {**section, "budgets": {"html": "3 MB"}}}
    assert not validator.is_valid(keys)


def told(schema_file, config, **change):
    """Say what check-jsonschema finds in a configuration with one section."""
    section = {"analysis": "distribution", "catalogue": "c", "title": "A", "columns": ["flux"]}
    keys = {"report": {"id": "a", "title": "A"}, "sections": {"one": {**section, **change}}}
    config.write_text(yaml.safe_dump(keys))
    command = [CHECKER, "--schemafile", schema_file, config]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_check_jsonschema_names_a_key_that_is_misspelt_and_nothing_of_other_analyses(tmp_path):
    file, config = tmp_path / "schema.json", tmp_path / "a.yaml"
    file.write_text(installed_schema())
    said = told(file, config, colums=["flux"], checks=[{"metric": "x", "mni": 3}])
    problems = [line.partition("::")[2] for line in said.splitlines() if "::" in line]
    unexpected = "Additional properties are not allowed"
    assert problems == [
        f"$.sections.one: {unexpected} ('colums' was unexpected)",
        f"$.sections.one.checks[0]: {unexpected} ('mni' was unexpected)",
    ]
    said = told(file, config, analysis="distributon")
    assert "$.sections.one.analysis: 'distributon' is not one of ['astrometry'," in said
