"""The notebook that reportgen is measured beside, and how that is done; it is not run here."""

import importlib
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module", params=["notebook.ipynb", "survey.ipynb"])
def notebook(request):
    return json.loads((BENCHMARKS / request.param).read_text(encoding="utf-8"))


@pytest.fixture
def comparing(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("comparing")


def test_each_code_cell_of_the_notebook_compiles_and_is_committed_without_outputs(notebook):
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code
    for cell in code:
        assert (cell["outputs"], cell["execution_count"]) == ([], None)
        compile("".join(cell["source"]), cell["id"], "exec")


def test_papermill_can_say_where_the_data_are(notebook):
    (cell,) = (c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", []))
    given = {}
    exec("".join(cell["source"]), given)  # noqa: S102 - our own
    assert {"data", "numbers"} <= given.keys()


def test_nothing_is_compared_when_the_numbers_differ(comparing, tmp_path):
    metrics = {"rows": {"value": 3.0}}
    summary = {"sections": [{"id": "overview", "metrics": metrics, "figures": [{}]}]}
    picture = {"outputs": [{"data": {"image/png": ""}}]}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "executed.ipynb").write_text(json.dumps({"cells": [picture, {}]}))
    numbers = tmp_path / "numbers.json"
    numbers.write_text(json.dumps({"overview.rows": 3.0}))
    assert comparing.demand_the_same(numbers, tmp_path) == 1
    numbers.write_text(json.dumps({"overview.rows": 4.0}))
    with pytest.raises(SystemExit, match=r"overview\.rows: 4\.0 in the notebook, 3\.0 in the rep"):
        comparing.demand_the_same(numbers, tmp_path)
    numbers.write_text(json.dumps({"overview.rows": 3.0}))
    (tmp_path / "executed.ipynb").write_text(json.dumps({"cells": [picture, picture]}))
    with pytest.raises(SystemExit, match="2 figures in the notebook, 1 in the report"):
        comparing.demand_the_same(numbers, tmp_path)


def test_a_survey_grows_as_its_files_were_made(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(BENCHMARKS)
    nights = importlib.import_module("nights")
    values = np.random.default_rng(4).normal(size=(50, 100)).round(1)
    for name, sign in (("ours.h5", 1), ("other.h5", -1)):
        with h5py.File(tmp_path / name, "w") as file:
            images = file.create_dataset(
                "images", data=sign * values, maxshape=(None, 100), compression="gzip"
            )
            table = file.create_dataset("table", data=sign * values)
            images.attrs["unit"] = table.attrs["unit"] = "Jy"
    for dataset in ("images", "table"):
        nights.append(tmp_path / "ours.h5", tmp_path / "other.h5", dataset, slice(10, 15))
        with h5py.File(tmp_path / "ours.h5") as file:
            grown = np.concatenate([values, -values[10:15]])
            assert np.array_equal(file[dataset][:], grown)
            assert file[dataset].attrs["unit"] == "Jy"
            assert file["images"].compression == "gzip"


# A shell starts something that outlives it and reads from us until we close the pipe.
