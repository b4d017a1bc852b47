"""Catalogues of 10⁵, 10⁶ and 10⁷ rows: seconds, rows per second and memory.

    python benchmarks/scaling.py [ROWS ...]         100,000 1,000,000 10,000,000 by default

The catalogues have the layout of the sample, whose rows they repeat with noise: the same numbers
for the same rows on every machine. The report has all catalogue sections of configs/cdfs.yaml.
Measured are, each in a process of its own: the build of the HTML page, as a user types it; the scan
alone, in which all sections are computed, in one process, in two, and beyond exact_rows on a Dask
cluster of two workers on this machine, which has read it once before; and a bare loop in which h5py
reads the same columns in chunks of the same size, and nothing is done with them.

Beyond exact_rows memory must not grow with the rows. The numbers of a scan have the same bytes for
any number of processes, and on Dask. Two processes should be 1.7 times as fast as one on two free
cores, and Dask take at most 15 % longer than they.
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
    *("rows", "HTML report [s]", "scan [s]", "of processors [s]", "scan in 2 processes [s]"),
    *("of processors [s]", "scan by 2 Dask workers [s]", "of processors [s]", "h5py alone [s]"),
    *("build, peak [MB]", "scan, peak [MB]", "in 2 processes"),
)
STEP = 250_000  # rows written at a time
BYTES = 12 * 8 + 1  # a row on disk, with its label
FLUXES, POSITIONS = slice(2, 7), slice(0, 2)
MISSING = (-99, 0)
EXACT_ROWS = 1_000_000  # of a catalogue that says nothing else
FLAT = 64  # MB by which more rows than these may differ
FASTER = 1.7  # two processes than one, at least
OVERHEAD = 0.15  # of Dask beside processes, at most

READ = """
import json, pickle, resource, sys, time
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
import psutil
from reportgen.analyses.base import Analysis, installed_analyses
from reportgen.build.engine import Engine
from reportgen.build.progress import Progress
from reportgen.config.loader import load_report
from reportgen.data.catalogue import open_catalogues
from reportgen.workers.pool import Failed
from reportgen.build.tasks import scan_catalogue
report = load_report(Path(sys.argv[1]), installed_analyses().types)
catalogue = open_catalogues(report.catalogues, report.place)["swire"]
wanted = {
    name: section
    for name, section in report.sections.items()
    if isinstance(section, Analysis) and section.sources == (("catalogues", "swire"),)
}
exact_rows = report.catalogues["swire"].exact_rows
processes, dask, digest = sys.argv[2], None, ""
def processor_seconds():
    me = psutil.Process()  # and the children that have ended
    running = sum(sum(each.cpu_times()[:2]) for each in me.children(recursive=True))
    return running + sum(me.cpu_times()[:4])
ending = ExitStack()
if processes == "dask":
    report = replace(report, engine=report.engine.replaced("local-dask"))
    dask = ending.enter_context(Engine(report, 2, Progress())).dask(catalogue.stamps)
begun, processor = time.perf_counter(), processor_seconds()
"""
SCAN = """
options = {"processes": int(processes)} if dask is None else {"dask": dask}
for _ in range(1 if dask is None else 2):  # the first time workers import what they need
    begun, processor = time.perf_counter(), processor_seconds()
    found = scan_catalogue(catalogue, wanted, exact_rows, **options)
assert len(found) > 5 and not any(isinstance(each.values, Failed) for each in found.values())
# Each value alone: which objects several share is in the bytes of a pickle, too.
values = [value for each in found.values() for value in pickle.loads(each.values).values()]
digest = sha256(b"".join(map(pickle.dumps, values))).hexdigest()
"""
# Chunks as reportgen reads them; all columns are in two datasets, of two files.
BARE = """
import h5py
step = 2**16
(first, rows), (second, labels) = catalogue.files
with h5py.File(first) as first, h5py.File(second) as second:
    rows, labels = first[rows], second[labels]
    for start in range(0, catalogue.rows, step):
        rows[start : start + step], labels[start : start + step]
"""
ENDING = """
seconds = time.perf_counter() - begun
peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
peak = max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
processor = processor_seconds() - processor
ending.close()
print(json.dumps({"seconds": seconds, "processor": processor, "peak": peak / 1024,
                  "digest": digest}))
"""


@dataclass(frozen=True)
class Size:
    """What was measured with so many rows.

    scans: in one process, in two, and by two workers of Dask, if these do it; bare: without them.
    """

    rows: int
    build: Measured
    scans: tuple[dict[str, Any], ...]
    bare: dict[str, Any]


def main() -> None:
    sizes = [int(text) for text in sys.argv[1:]] or SIZES
    adopt_orphans()
    for name, text in machine(("reportgen", "numpy", "h5py")).items():
        print(f"- {name}: {text}")
    print("- memory of a build: PSS of all processes; of the scan: largest RSS of one of them")
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
    environment["OPENBLAS_NUM_THREADS"] = "1"  # as in a build
    # The first: the file is cached then.
    bare = run_program(READ + BARE + ENDING, config, environment)
    built = measure(command, environment, place, memory=True)
    how = ("1", "2", "dask") if rows > EXACT_ROWS else ("1", "2")
    scans = tuple(run_program(READ + SCAN + ENDING, config, environment, each) for each in how)
    shutil.rmtree(place)
    return Size(rows, built, scans, bare)


def run_program(
    text: str, config: Path, environment: dict[str, str], processes: str = "1"
) -> dict[str, Any]:
    command = [sys.executable, "-c", text, str(config), processes]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
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
            catalogue[place], labels[place] = some_rows(known, chosen, place)
    shutil.rmtree(sample)


def some_rows(known: Any, chosen: Any, place: slice) -> tuple[Any, Any]:
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
    one, two, *_ = size.scans
    times = [(f"{each['seconds']:.2f}", f"{each['processor']:.2f}") for each in size.scans]
    cells = [
        f"{size.rows:,}",
        f"{size.build.seconds:.1f}",
        *(cell for each in [*times, ("", "")][:3] for cell in each),
        f"{size.bare['seconds']:.2f}",
        f"{size.build.peak:.0f}",
        f"{one['peak']:.0f}",
        f"{two['peak']:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def judged(measured: list[Size]) -> Iterator[str]:
    """Say whether memory is flat, and whether processes leave the numbers as they are."""
    few, many = measured[max(0, len(measured) - 2)], measured[-1]
    grown = {
        "build": many.build.peak - few.build.peak,
        "scan": many.scans[0]["peak"] - few.scans[0]["peak"],
    }
    for name, megabytes in grown.items() if many.rows > EXACT_ROWS else ():
        verdict = "holds" if megabytes <= FLAT else "**misses**"
        yield (
            f"- memory of the {name}: {megabytes:+.0f} MB with {many.rows:,} rows, beside "
            f"{few.rows:,}; at most {FLAT} MB: {verdict}"
        )
    same = all(len({scan["digest"] for scan in each.scans}) == 1 for each in measured)
    yield f"- same bytes however it is read: {'holds' if same else '**misses**'}"
    if many.rows > EXACT_ROWS:
        one, two, dask = (scan["seconds"] for scan in many.scans)
        verdict = "holds" if one / two >= FASTER else "**misses**"
        said = f"{one / two:.2f} times as fast; at least {FASTER}"
        yield f"- two processes beside one: {said}: {verdict}"
        verdict = "holds" if dask <= two * (1 + OVERHEAD) else "**misses**"
        yield (
            f"- two workers of Dask beside two processes: {dask / two - 1:+.0%} seconds; at most "
            f"{OVERHEAD:.0%}: {verdict}"
        )


if __name__ == "__main__":
    main()
