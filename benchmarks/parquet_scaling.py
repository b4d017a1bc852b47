"""The catalogue sections of configs/cdfs.yaml from one Parquet file (zstd), beside other libraries.

    python benchmarks/parquet_scaling.py PYTHON [ROWS] [LARGEST]      10,000,000 and 100,000,000

PYTHON: one that has polars, DuckDB, pandas and pyarrow. Each library computes the same statistics
of ROWS rows (benchmarks/peers.py), in turns, in processes of its own; their numbers must agree.
Then reportgen scans a tenth of these rows and LARGEST rows, for its memory. The files are removed.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import h5py
import numpy as np
import yaml
from machine import machine
from nights import plain_environment
from peers import COLUMNS, PEERS
from scaling import ENDING, READ, SCAN, STEP, run_program, some_rows, write_config

GROUP = 2**20  # rows of a row group
TURNS = 2
MORE, LIMIT = 64, 400  # MB that more rows may take more, and a process in all
AT_LEAST = 2.5  # times as long as reportgen, of those that compute the same
READING = 4.0  # times as long as merely reading, at most


def main() -> None:
    python = sys.argv[1]
    rows, largest = [*map(int, sys.argv[2:]), 10**7, 10**8][:2]
    for name, text in machine(("reportgen", "numpy", "pyarrow")).items():
        print(f"- {name}: {text}")
    with tempfile.TemporaryDirectory(prefix="reportgen-benchmark-") as name:
        folder = Path(name)
        path = write_parquet(folder, rows)
        print(f"- {rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB\n", flush=True)
        compare(folder, path, python)
        few = scan(folder, write_parquet(folder, rows // 10))
        print(f"\n- scan of {rows // 10:,} rows: {said(few)}", flush=True)
        if shutil.disk_usage(folder).free < 120 * largest:
            raise SystemExit(f"{largest} rows need {120 * largest / 1e9:.0f} GB in {folder}")
        many = scan(folder, write_parquet(folder, largest))
        print(f"- scan of {largest:,} rows: {said(many)}")
        verdict = "holds" if many["peak"] <= LIMIT else "**misses**"
        print(f"- memory: {many['peak'] - few['peak']:+.0f} MB; in all at most {LIMIT}: {verdict}")


def said(found: dict[str, Any]) -> str:
    """Return how long a scan took, and with how much memory."""
    return (
        f"{found['seconds']:.1f} s, {found['processor']:.1f} s of processors, "
        f"peak {found['peak']:.0f} MB"
    )


def compare(folder: Path, path: Path, python: str) -> None:
    """Measure reportgen and its peers in turns and print a table."""
    turns: dict[str, list[dict[str, Any]]] = {}
    for _ in range(TURNS):
        turns.setdefault("reportgen", []).append(scan(folder, path))
        turns.setdefault("reportgen, 1 process", []).append(scan(folder, path, processes="1"))
        for name in PEERS:
            command = [python, str(Path(__file__).with_name("peers.py")), name, str(path)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            turns.setdefault(name, []).append(json.loads(done.stdout))
    require_the_same({name: each[0]["numbers"] for name, each in turns.items() if name in PEERS})
    ours = median(each["processor"] for each in turns["reportgen"])
    print("| | seconds | of processors [s] | peak [MB] | / reportgen | asked | |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for name, each in turns.items():
        seconds, processor, peak = (
            median(turn[key] for turn in each) for key in ("seconds", "processor", "peak")
        )
        ratio, asked = processor / ours, "" if name.startswith("reportgen") else f"{AT_LEAST}"
        holds = ratio >= AT_LEAST
        if name == "pyarrow":
            asked, holds = f"{1 / READING}", ratio >= 1 / READING
        verdict = ("holds" if holds else "**misses**") if asked else ""
        cells = [f"{seconds:.1f}", f"{processor:.1f}", f"{peak:.0f}", f"{ratio:.2f}"]
        print(f"| {name} | {' | '.join(cells)} | {asked} | {verdict} |", flush=True)


def require_the_same(numbers: dict[str, dict[str, float]]) -> None:
    """Exit where two libraries have computed different numbers."""
    first, *others = [name for name, found in numbers.items() if found]
    for name in others:
        for key, value in numbers[first].items():
            if not np.isclose(value, numbers[name][key], rtol=1e-3, atol=1e-9):
                raise SystemExit(f"{key}: {value} of {first}, {numbers[name][key]} of {name}")


def scan(folder: Path, path: Path, processes: str = "2") -> dict[str, Any]:
    """Scan a file for all catalogue sections, in a process of its own."""
    config = write_config(folder)
    report = yaml.safe_load(config.read_text(encoding="utf-8"))
    swire = report["catalogues"]["swire"]
    for key, column in swire["columns"].items():
        for old in ("index", "file", "dataset"):
            column.pop(old, None)
        column["field"] = key
    del swire["dataset"]
    report["catalogues"] = {"swire": swire | {"file": str(path)}}
    report["sections"] = {n: s for n, s in report["sections"].items() if s["catalogue"] == "swire"}
    config.write_text(yaml.safe_dump(report, allow_unicode=True), encoding="utf-8")
    environment = plain_environment() | {"OPENBLAS_NUM_THREADS": "1"}
    return run_program(READ + SCAN + ENDING, config, environment, processes)


def write_parquet(folder: Path, rows: int) -> Path:
    """Write so many rows in the layout of the sample; the file before is removed."""
    import pyarrow as pa
    from pyarrow import parquet

    for old in folder.glob("*.parquet"):
        old.unlink()
    sample = folder / "sample"
    command = [sys.executable, "-m", "reportgen", "sample", str(sample), "--images", "1"]
    subprocess.run(command, check=True, capture_output=True)
    with h5py.File(sample / "crowdastro.h5") as file, h5py.File(sample / "training.h5") as labels:
        known, chosen = file["/swire/cdfs/catalogue"][:], labels["labels"][:]
    shutil.rmtree(sample)
    path = folder / f"{rows}.parquet"
    kinds = [(name, pa.bool_() if name == "is_host" else pa.float64()) for name in COLUMNS]
    waiting: list[Any] = []
    with parquet.ParquetWriter(path, pa.schema(kinds), compression="zstd") as writer:
        for start in range(0, rows, STEP):
            values, hosts = some_rows(known, chosen, slice(start, min(rows, start + STEP)))
            columns = [*values.T[: len(COLUMNS) - 1], hosts]
            waiting.append(pa.table([pa.array(each) for each in columns], pa.schema(kinds)))
            if sum(map(len, waiting)) >= GROUP or start + STEP >= rows:
                writer.write_table(pa.concat_tables(waiting), row_group_size=GROUP)
                waiting.clear()
    return path


if __name__ == "__main__":
    main()
