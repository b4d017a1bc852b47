"""Catalogues of 10⁵, 10⁶ and 10⁷ rows: seconds, rows per second and memory.

    python benchmarks/scaling.py [ROWS ...]         100,000 1,000,000 10,000,000 by default

The catalogues have the layout of the sample, whose rows they repeat with noise: the same numbers
for the same rows on every machine. The report has all catalogue sections of configs/cdfs.yaml.
Three things are measured, each in a process of its own: the build of the HTML page, as a user types
it; the scan alone, in which all sections are computed; and a bare loop in which h5py reads the same
columns in chunks of the same size, and nothing is done with them.

Memory must not grow with the rows by more than the budget that the catalogue states (``memory:``).
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml
from machine import machine
from measuring import Measured, adopt_orphans, measure
from nights import CONFIG, plain_environment

SIZES = (100_000, 1_000_000, 10_000_000)
HEAD = (
    *("rows", "HTML report [s]", "scan [s]", "scanned rows/s", "h5py alone [s]", "read rows/s"),
    *("build, peak [MB]", "scan, peak [MB]"),
)
STEP = 250_000  # rows written at a time
BYTES = 12 * 8 + 1  # a row on disk, with its label
FLUXES, POSITIONS = slice(2, 7), slice(0, 2)
MISSING = (-99, 0)

READ = """
import json, resource, sys, time
from pathlib import Path
from reportgen.analyses.base import Analysis, installed_analyses
from reportgen.config.loading import load_report
from reportgen.data.catalogue import open_catalogue
from reportgen.pool import Failed
from reportgen.work import scan_catalogue
report = load_report(Path(sys.argv[1]), installed_analyses().types)
catalogue = open_catalogue(report, "swire")
memory = int(report.catalogues["swire"].memory)
wanted = {
    name: section
    for name, section in report.sections.items()
    if isinstance(section, Analysis) and section.sources == (("catalogues", "swire"),)
}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.perf_counter()
"""
SCAN = """
found = scan_catalogue(catalogue, memory, wanted)
assert len(found) > 5 and not any(isinstance(each, Failed) for each in found.values()), found
"""
# Chunks as reportgen reads them; all columns are in two datasets, of two files.
BARE = """
import h5py
step = catalogue.chunk_rows
(first, rows), (second, labels) = catalogue.files
with h5py.File(first) as first, h5py.File(second) as second:
    rows, labels = first[rows], second[labels]
    for start in range(0, catalogue.rows, step):
        rows[start : start + step], labels[start : start + step]
"""
ENDING = """
seconds = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "peak": peak / 1024, "before": before / 1024,
                  "memory": memory / 1024**2}))
"""


@dataclass(frozen=True)
class Size:
    """What was measured with so many rows. scan, bare: as the programs above print."""

    rows: int
    build: Measured
    scan: dict[str, float]
    bare: dict[str, float]


def main() -> None:
    sizes = [int(text) for text in sys.argv[1:]] or SIZES
    adopt_orphans()
    for name, text in machine(("reportgen", "numpy", "h5py")).items():
        print(f"- {name}: {text}")
    print("- memory of a build: PSS of all processes together; of the scan: its largest RSS")
    print()
    print(f"| {' | '.join(HEAD)} |")
    print("|---" * len(HEAD) + "|")
    measured = []
    with tempfile.TemporaryDirectory(prefix="reportgen-benchmark-") as name:
        folder = Path(name)
        for rows in sizes:
            measured.append(measure_size(folder, rows))
            print(_row(measured[-1]), flush=True)
    print()
    print("\n".join(judged(measured)))


def measure_size(folder: Path, rows: int) -> Size:
    """Make a catalogue of so many rows and measure all that is to be measured on it."""
    free = shutil.disk_usage(folder).free
    if free < 1.2 * rows * BYTES:
        raise SystemExit(f"{rows} rows need {rows * BYTES / 1e9:.1f} GB in {folder}")
    place = folder / f"{rows}"
    write_survey(place / "data", rows)
    config = write_config(place)
    environment = plain_environment() | {"CDFS_DATA": str(place / "data")}
    command = (sys.executable, "-m", "reportgen", config, "--output", place / "reports")
    bare = _program(READ + BARE + ENDING, config, environment)  # the first: the file is cached then
    built = measure(command, environment, place, memory=True)
    scan = _program(READ + SCAN + ENDING, config, environment)
    shutil.rmtree(place)
    return Size(rows, built, scan, bare)


def _program(text: str, config: Path, environment: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, "-c", text, str(config)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def write_survey(folder: Path, rows: int) -> None:
    """Write a catalogue of so many rows, and labels, in the layout of the sample."""
    sample = folder / "sample"
    command = [sys.executable, "-m", "reportgen", "sample", str(sample), "--images", "1"]
    subprocess.run(command, check=True, capture_output=True)
    with (
        h5py.File(sample / "crowdastro.h5") as old,
        h5py.File(sample / "training.h5") as old_labels,
        h5py.File(folder / "crowdastro.h5", "w") as new,
        h5py.File(folder / "training.h5", "w") as new_labels,
    ):
        new["/atlas/cdfs/positions"] = old["/atlas/cdfs/positions"][:]
        known, chosen = old["/swire/cdfs/catalogue"][:], old_labels["labels"][:]
        catalogue = new.create_dataset("/swire/cdfs/catalogue", (rows, known.shape[1]), "f8")
        labels = new_labels.create_dataset("labels", (rows,), "?")
        for start in range(0, rows, STEP):
            place = slice(start, min(rows, start + STEP))
            catalogue[place], labels[place] = _some_rows(known, chosen, place)
    shutil.rmtree(sample)


def _some_rows(known: Any, chosen: Any, place: slice) -> tuple[Any, Any]:
    """Draw rows of the sample, their positions shifted by arcseconds and fluxes by a percent."""
    generator = np.random.default_rng([2016, place.start])
    drawn = generator.integers(len(known), size=place.stop - place.start)
    rows = known[drawn]
    rows[:, POSITIONS] += generator.normal(scale=2 / 3600, size=rows[:, POSITIONS].shape)
    fluxes = rows[:, FLUXES]
    noisy = fluxes * generator.lognormal(sigma=0.01, size=fluxes.shape)
    rows[:, FLUXES] = np.where(np.isin(fluxes, MISSING), fluxes, noisy)
    return rows, chosen[drawn]


def write_config(folder: Path) -> Path:
    """Write configs/cdfs.yaml without its images, its networks and the PDF."""
    report = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    del report["images"], report["models"]
    report["output"]["formats"] = ["html"]
    sections = report["sections"].items()
    report["sections"] = {name: keys for name, keys in sections if "catalogue" in keys}
    path = folder / "report.yaml"
    path.write_text(yaml.safe_dump(report, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def _row(size: Size) -> str:
    scan, bare = size.scan, size.bare
    cells = [
        f"{size.rows:,}",
        f"{size.build.seconds:.1f}",
        f"{scan['seconds']:.2f}",
        f"{size.rows / scan['seconds']:,.0f}",
        f"{bare['seconds']:.2f}",
        f"{size.rows / bare['seconds']:,.0f}",
        f"{size.build.peak:.0f}",
        f"{scan['peak']:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def judged(measured: list[Size]) -> Iterator[str]:
    """Say whether memory grew by no more than the budget, from the smallest to the largest."""
    few, many = measured[0], measured[-1]
    budget = few.scan["memory"]
    for name, grown in (
        ("build", many.build.peak - few.build.peak),
        ("scan", many.scan["peak"] - few.scan["peak"]),
    ):
        verdict = "holds" if grown <= budget else "**misses**"
        yield (
            f"- memory of the {name}: {grown:.0f} MB more with {many.rows:,} rows than with "
            f"{few.rows:,}; budget {budget:.0f} MB: {verdict}"
        )


if __name__ == "__main__":
    main()
