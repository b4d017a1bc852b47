"""Reading a table of 13 columns in each format: processor seconds and memory.

    python benchmarks/formats.py [ROWS]             1,000,000 by default

The same rows are written in each format. Then each is read whole, in blocks of rows as a scan reads
them, by reportgen and by what one would use without it: in processes of their own, which read every
column, convert it to float64 and sum it. Peak memory is that of the whole process, Python and numpy
included. Seconds are those of processors, of three turns the median, without the imports.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

COLUMNS = 13
TURNS = 3

OURS = """
import json, sys, time
from pathlib import Path
from reportgen.data.dataset import ColumnPlace
from reportgen.data.opening import describe_here, open_places
path, rows = Path(sys.argv[1]), int(sys.argv[2])
names = [column.name for column in describe_here((path, "")).columns]
begun, total = time.process_time(), 0.0
with open_places([ColumnPlace(path, field=name) for name in names]) as read:
    for start in range(0, rows, 2**16):
        block = read(start, min(rows, start + 2**16))  # kept while the next is read, as in a scan
        total += sum(float(values.sum()) for values in block)
"""
OTHERS = {
    "fits": """
import numpy as np
from astropy.io import fits
with fits.open(path) as file:
    place, dtype = file[1].fileinfo()["datLoc"], file[1].columns.dtype.newbyteorder(">")
begun, total = time.process_time(), 0.0
rows_read = np.fromfile(path, dtype, count=rows, offset=place)
for name in dtype.names:
    total += float(rows_read[name].astype(float).sum())
""",
    "h5": """
import h5py
begun, total = time.process_time(), 0.0
with h5py.File(path) as file:
    for name in file:
        total += float(file[name][:].astype(float).sum())
""",
    "parquet": """
import pyarrow.parquet
begun, total = time.process_time(), 0.0
table = pyarrow.parquet.read_table(path, use_threads=False)
for name in table.column_names:
    total += float(table[name].to_numpy().astype(float).sum())
""",
    "feather": """
import pyarrow.feather
begun, total = time.process_time(), 0.0
table = pyarrow.feather.read_table(path, use_threads=False)
for name in table.column_names:
    total += float(table[name].to_numpy().astype(float).sum())
""",
    "csv": """
import pyarrow.csv
begun, total = time.process_time(), 0.0
options = pyarrow.csv.ReadOptions(use_threads=False)
table = pyarrow.csv.read_csv(path, read_options=options)
for name in table.column_names:
    total += float(table[name].to_numpy().astype(float).sum())
""",
}
HEAD = """
import json, sys, time
path, rows = sys.argv[1], int(sys.argv[2])
"""
TAIL = """
used = time.process_time() - begun
status = open("/proc/self/status").read()
peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
print(json.dumps([used, peak, total]))
"""
NAMES = {
    "fits": "np.fromfile",
    "h5": "h5py",
    "parquet": "pyarrow",
    "feather": "pyarrow",
    "csv": "pyarrow.csv",
}


def write(folder: Path, rows: int) -> dict[str, Path]:
    """Write the rows in each format; return the files."""
    import h5py
    import pyarrow as pa
    from astropy.table import Table
    from pyarrow import csv, feather, parquet

    random = np.random.default_rng(1)
    data = {f"c{n}": random.lognormal(size=rows) for n in range(COLUMNS)}
    table, paths = pa.table(data), {name: folder / f"rows.{name}" for name in OTHERS}
    Table(data).write(paths["fits"])
    parquet.write_table(table, paths["parquet"], compression="zstd")
    feather.write_feather(table, paths["feather"], compression="zstd")
    csv.write_csv(table, paths["csv"])
    with h5py.File(paths["h5"], "w") as file:
        for name, values in data.items():
            file[name] = values
    return paths


def measured(code: str, path: Path, rows: int) -> tuple[float, float, float]:
    """Run a reader in a process of its own; return processor seconds, peak memory in MB, sum."""
    command = [sys.executable, "-c", code + TAIL, str(path), str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    used, peak, total = json.loads(done.stdout)
    return used, peak, total


def main() -> None:
    """Print a line for each format."""
    rows = int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 1_000_000
    print(f"{rows:,} rows of {COLUMNS} columns of float64\n")
    print("| format | MB | reportgen [s] | peak [MB] | beside | [s] | peak [MB] | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="reportgen-") as name:
        for kind, path in write(Path(name), rows).items():
            ours, theirs = [], []
            for _ in range(TURNS):
                ours.append(measured(OURS, path, rows))
                theirs.append(measured(HEAD + OTHERS[kind], path, rows))
            if not np.isclose(ours[0][2], theirs[0][2], rtol=1e-9):
                raise SystemExit(f"{kind}: the sums differ")
            cells = [statistics.median(each) for each in zip(*ours, strict=True)]
            other = [statistics.median(each) for each in zip(*theirs, strict=True)]
            print(
                f"| {kind} | {path.stat().st_size / 1e6:.0f} | {cells[0]:.2f} | {cells[1]:.0f} "
                f"| {NAMES[kind]} | {other[0]:.2f} | {other[1]:.0f} | {cells[0] / other[0]:.2f} |"
            )


if __name__ == "__main__":
    main()
