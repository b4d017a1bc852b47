"""Whether the notebook and the report say the same: otherwise their seconds compare nothing."""

import json
from collections.abc import Mapping
from math import isclose
from pathlib import Path

PRECISION = 1e-6  # relative: float32 maps, whose sums are in another order
NOT_COMPARED = {
    "correlation.closest": "the notebook has the coefficients of all pairs, of which it is one",
    "correlation.strongest": "so is this",
    "cnn_maps.peak_random": "each draws its own random weights",
    "hosts.ks_p_value": "of order 1e-35: the limiting distribution, and SciPy's with n",
}


def report_numbers(run: Path) -> dict[str, float]:
    """Give the metrics of a run folder by section and name."""
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    return {
        f"{section['id']}.{name}": metric["value"]
        for section in summary["sections"]
        for name, metric in section["metrics"].items()
    }


def differences(notebook: Mapping[str, float], report: Mapping[str, float]) -> list[str]:
    """Say which numbers are not the same, or missing on one side; empty when all agree."""
    said = []
    for name in sorted({*notebook, *report} - NOT_COMPARED.keys()):
        ours, theirs = report.get(name), notebook.get(name)
        if ours is None or theirs is None or not isclose(ours, theirs, rel_tol=PRECISION):
            said.append(f"{name}: {theirs} in the notebook, {ours} in the report")
    return said


def demand_the_same(numbers: Path, run: Path) -> int:
    """Give how many numbers agree; SystemExit when some do not, or figures are missing.

    numbers: what the notebook wrote, beside the notebook as it was executed (executed.ipynb).
    """
    notebook = json.loads(numbers.read_text(encoding="utf-8"))
    wrong = differences(notebook, report_numbers(run))
    drawn, figures = _pictures(numbers.with_name("executed.ipynb")), _figures(run)
    if drawn != figures:
        wrong.append(f"{drawn} figures in the notebook, {figures} in the report")
    if wrong:
        raise SystemExit("Not to be compared, as they differ:\n" + "\n".join(wrong))
    return len(notebook)


def _pictures(executed: Path) -> int:
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def _figures(run: Path) -> int:
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    return sum(len(section["figures"]) for section in summary["sections"])
