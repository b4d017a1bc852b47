"""What a plugin imports from reportgen is there, described, and all that the examples use."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import reportgen

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
PYTHON = (ROOT / "docs/python.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", README + DOCS, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", reportgen.__all__)
def test_every_name_is_there_and_says_what_it_is(name):
    found = getattr(reportgen, name)
    if inspect.isclass(found) or inspect.isfunction(found):
        said = vars(found)["__doc__"] if inspect.isclass(found) else found.__doc__
        # A dataclass without a docstring gets its signature for one.
        assert said
        assert not said.startswith(f"{name}(")


def test_every_name_is_described_and_nothing_else_is():
    rows = re.findall(r"^\| (`.+?) \|", DOCS + PYTHON, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(reportgen.__all__)
    assert {*reportgen.__all__} <= {*dir(reportgen)}


def test_a_name_that_is_not_there_is_an_error_that_names_it():
    with pytest.raises(ImportError, match="Analyses"):
        from reportgen import Analyses  # noqa: F401


def test_the_examples_use_nothing_else():
    assert len(EXAMPLES) == 2
    imports = [node for text in EXAMPLES for node in ast.walk(ast.parse(text))]
    imports = [node for node in imports if isinstance(node, ast.Import | ast.ImportFrom)]
    assert all(isinstance(node, ast.ImportFrom) for node in imports)
    assert {node.module for node in imports} == {"reportgen", "fullest"}
    names = {alias.name for node in imports for alias in node.names}
    assert names <= {*reportgen.__all__, "Fullest"}


@pytest.fixture
def fullest(tmp_path, monkeypatch):
    (tmp_path / "fullest.py").write_text(EXAMPLES[0], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("fullest")
def test_the_test_in_the_documentation_passes():
    exec(EXAMPLES[1], {})  # noqa: S102


@pytest.mark.usefixtures("fullest")
@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([1, 3, 2], "Of Flux, the fullest bin, 1 to 2, holds 3 objects."),
        ([2, 1, 2], "Of Flux, no bin holds more than 2 objects."),
        ([0, 0, 0], "Of Flux, no bin holds more than 0 objects."),
    ],
)
def test_the_example_says_what_the_data_are(counts, said):
    import numpy as np
    from fullest import Fullest

    from reportgen.reduce.histograms import HistogramCounts
    from reportgen.style import house_style

    column = reportgen.Column("flux", "Flux")
    analysis = Fullest(analysis="fullest", catalogue="objects", title="T", column=column, bins=3)
    with house_style():
        section = analysis.present(HistogramCounts(np.arange(4.0), np.array(counts), 0, 0))
    assert section.findings == [said]
