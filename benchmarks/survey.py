"""What a survey team checks every night, of 10⁶ rows matched with 10⁵, beside a notebook.

    python benchmarks/survey.py [ROWS OBJECTS]

The report has a section of each kind that looks at catalogues; ``survey.ipynb`` computes and draws
the same with astropy and pandas, as one would type it. It is executed by papermill and turned into
a page by nbconvert. Both read the same FITS files and take turns; numbers of both must be equal.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from astropy.table import Table
from comparing import report_numbers
from machine import machine
from measuring import Measured, adopt_orphans, measure
from numpy.typing import NDArray

HERE = Path(__file__).parent
TURNS = 3
PRECISION = 1e-5  # 1.4826 median absolute deviations in reportgen, 1.482602 in astropy
TRACERS = np.array(["BGS", "ELG", "LRG", "QSO"])
MEDIANS = np.array([0.2, 1.1, 0.7, 1.6])
Values = NDArray[np.float64]


def survey(rows: int, objects: int) -> dict[str, Table]:
    """Draw a field of 16 square degrees, and some of its objects again with errors."""
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(148, 152, rows), rng.uniform(-2, 2, rows)
    flux = 1e-4 * rng.pareto(0.9, rows) + 1e-4
    rms = 2e-5 * np.exp(0.1 * rng.normal(size=rows))
    extended = np.where(rng.uniform(size=rows) < 0.1, 1 + rng.exponential(0.5, rows), 1.0)
    peak = flux / extended + rms * rng.normal(size=rows)
    failed = rng.uniform(size=rows) < 0.01
    tracer = rng.integers(0, 4, rows)
    label = rng.uniform(size=rows) < 0.1
    mag = 22 - 2.5 * np.log10(flux / 1e-4) / 2
    objects_of = np.arange(rows) // 5
    chosen = rng.choice(rows, objects, replace=False)
    east, north = rng.normal(0.3, 0.5, objects) / 3600, rng.normal(-0.2, 0.5, objects) / 3600
    catalogue = {
        "id": 2**60 + np.arange(rows),
        "tile": (1 + (ra - 148) // 0.5 + 8 * ((dec + 2) // 1)).astype(np.int16),
        "ra": ra,
        "dec": dec,
        "int_flux": flux + rms * rng.normal(size=rows),
        "err_int_flux": np.where(failed, -1, 1.3 * rms),
        "peak_flux": peak,
        "err_peak_flux": np.where(failed, -1, rms),
        "local_rms": rms,
        "flags": np.where(failed, 1, 4 * (rng.uniform(size=rows) < 0.03)).astype(np.int16),
        "g": mag + 0.8 + 0.3 * rng.normal(size=rows),
        "r": mag,
        "i": mag - 0.4 + 0.2 * rng.normal(size=rows),
        "tracer": TRACERS[tracer],
        "z": MEDIANS[tracer] * np.exp(0.4 * rng.normal(size=rows)),
        "is_host": label.astype(np.int16),
        "score": 1 / (1 + np.exp(-(rng.normal(size=rows) + 4 * label - 3))),
        "object": objects_of,
        "visit_mag": mag[objects_of * 5] + 0.01 * rng.normal(size=rows),
    }
    reference = {
        "ra": ra[chosen] - east / np.cos(np.radians(dec[chosen])),
        "dec": dec[chosen] - north,
        "flux": flux[chosen] / 1.05 * np.exp(0.05 * rng.normal(size=objects)),
    }
    edges = np.linspace(0, 4, 81)
    counts = [np.histogram(catalogue["z"][tracer == k], edges)[0] for k in range(len(TRACERS))]
    expected = {
        "tracer": np.repeat(TRACERS, 80),
        "low": np.tile(edges[:-1], 4),
        "high": np.tile(edges[1:], 4),
        "mean": np.concatenate(counts) / rows,
    }
    units = {"ra": "deg", "dec": "deg", "peak_flux": "Jy/beam", "err_peak_flux": "Jy/beam"}
    units |= {"local_rms": "Jy/beam", "flux": "Jy", "int_flux": "Jy", "err_int_flux": "Jy"}
    units |= dict.fromkeys(("g", "r", "i", "visit_mag"), "mag")
    made = {"catalogue": catalogue, "reference": reference, "expected": expected}
    return {
        name: Table(columns, units={k: unit for k, unit in units.items() if k in columns})
        for name, columns in made.items()
    }


def main() -> None:
    rows, objects = (int(text) for text in sys.argv[1:3] or ("1000000", "100000"))
    adopt_orphans()
    packages = ("reportgen", "numpy", "scipy", "astropy", "pandas", "matplotlib", "papermill")
    for name, text in machine(packages).items():
        print(f"- {name}: {text}")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name, table in survey(rows, objects).items():
            table.write(folder / f"{name}.fits")
        environment = {**os.environ, "SURVEY": str(folder)}
        python: tuple[Any, ...] = (sys.executable, "-m")
        out, numbers, page = folder / "out", folder / "numbers.json", folder / "executed.ipynb"
        build = (*python, "reportgen", HERE / "survey.yaml", "--no-cache", "--output", out)
        execute = (*python, "papermill", HERE / "survey.ipynb", page, "--no-progress-bar")
        execute += ("-p", "data", folder, "-p", "numbers", numbers)
        convert = (*python, "nbconvert", "--to", "html", "--no-input", page)
        ours, theirs = list[Measured](), list[Measured]()
        for turn in range(TURNS + 1):
            look = not turn  # at the memory, in the first turn alone
            first = measure(build, environment, folder, memory=look)
            ran = [measure(each, environment, folder, memory=look) for each in (execute, convert)]
            both = Measured(sum(r.seconds for r in ran), sum(r.processor for r in ran))
            if look:
                peaks = first.peak, max(each.peak for each in ran)
            else:
                ours.append(first)
                theirs.append(both)
        known = report_numbers(out / "latest")
        found = json.loads(numbers.read_text(encoding="utf-8"))
        wrong = [
            f"{name}: {value} in the notebook, {known.get(name)} in the report"
            for name, value in found.items()
            if abs((known.get(name) or np.nan) / value - 1) > PRECISION or name not in known
        ]
        if wrong:
            raise SystemExit("Not to be compared, as they differ:\n" + "\n".join(wrong))
    print(f"- {len(found)} numbers of the notebook are those of the report")
    for name in ("seconds", "processor"):
        a, b = (median(getattr(each, name) for each in side) for side in (ours, theirs))
        said = f"reportgen {a:.1f}, notebook {b:.1f}; notebook / reportgen {b / a:.1f}"
        print(f"- {name}, median of {TURNS}: {said}")
    print(f"- peak memory: reportgen {peaks[0]:.0f} MB, notebook {peaks[1]:.0f} MB")


if __name__ == "__main__":
    main()
