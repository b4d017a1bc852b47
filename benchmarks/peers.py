"""The statistics of configs/cdfs.yaml from a Parquet file, as users of other libraries write them.

    python benchmarks/peers.py NAME FILE.parquet        polars, duckdb, pandas, numpy or pyarrow

Prints seconds, seconds of processors, peak memory in MB, and numbers that all must agree on, as
JSON. pyarrow only reads the row groups. reportgen computes some more, such as the smallest and
largest positive values, and knows beforehand neither how the columns are distributed nor how many
rows there are. What takes all rows at once is given to polars and DuckDB as they do it best: exact
quantiles, as theirs that are not exact have other errors than ours.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

COLUMNS = ("ra", "dec", "flux_36", "flux_45", "flux_58", "flux_80", "flux_24", "stellarity",
           "atlas_index", "is_training", "is_validation", "is_testing", "is_host")  # fmt: skip
FLUXES = COLUMNS[2:7]
TWO = (*FLUXES, "stellarity")
SHARES = [n / 500 for n in range(501)]
RANGES = ((0.0, 150.0, 20), (150.0, 1000.0, 20), (1000.0, 200_000.0, 200))
CUTS = (150.0, 1000.0)
SKY = (50.0, 56.0, -30.0, -26.0, 400)  # ra, dec, cells a side
BINS = 20  # of the logarithm of a flux density from 1 to 10⁶
PAIRS = [(a, b) for n, a in enumerate(TWO) for b in TWO[n + 1 :]]

Numbers = dict[str, float]


def with_polars(path: str) -> Numbers:
    import polars as pl

    def clean(name: str) -> pl.Expr:
        marks = [-99.0, 0.0] if name in FLUXES else [-99.0]
        column = pl.col(name).cast(pl.Float64)
        return pl.when(~column.is_in(marks)).then(column).alias(name)

    rows = pl.scan_parquet(path).select(clean(name) for name in COLUMNS)
    basic = [
        step(pl.col(c)).alias(f"{c} {n}")
        for c in COLUMNS
        for n, step in {
            "valid": pl.Expr.count, "min": pl.Expr.min, "max": pl.Expr.max,
            "mean": pl.Expr.mean, "std": pl.Expr.std,
        }.items()
    ]  # fmt: skip
    basic += [(pl.col(c) < cut).sum().alias(f"{c} below {cut}") for c in FLUXES for cut in CUTS]
    basic += [pl.corr(a, b).alias(f"{a} {b}") for a, b in PAIRS]
    found = rows.select(basic).collect(engine="streaming").row(0, named=True)
    for c in TWO:
        ordered = rows.select(pl.col(c).drop_nulls().sort()).collect(engine="streaming")[c]
        curve = ordered[[round(q * (len(ordered) - 1)) for q in SHARES]]
        found[f"{c} median"] = curve[250]
    for c in FLUXES:
        for low, high, bins in RANGES:
            number = ((pl.col(c) - low) / (high - low) * bins).floor().cast(pl.Int32)
            inside = rows.filter(pl.col(c).is_between(low, high, closed="left"))
            counts = inside.group_by(number).len().collect(engine="streaming")
            found[f"{c} from {low}"] = counts["len"].sum()
        of_bin = (pl.col(c).log10() / 6 * BINS).floor().cast(pl.Int32)
        running = rows.filter(pl.col(c).is_between(1, 1e6, closed="left")).group_by(of_bin)
        medians = running.agg(pl.col("stellarity").median(), pl.len())
        found[f"{c} bins"] = medians.collect(engine="streaming")["len"].sum()
    west, east, south, north, cells = SKY
    x = ((pl.col("ra") - west) / (east - west) * cells).floor().cast(pl.Int32)
    y = ((pl.col("dec") - south) / (north - south) * cells).floor().cast(pl.Int32)
    sky = rows.group_by(x.alias("x"), y.alias("y")).len().collect(engine="streaming")
    found["sky"] = sky["len"].max()
    tenth = (pl.col("stellarity") * 10).floor().cast(pl.Int32).clip(upper_bound=9)
    hosts = rows.group_by(tenth, "is_host").len().collect(engine="streaming")
    found["hosts"] = hosts.filter(pl.col("is_host") == 1)["len"].sum()
    return found


def with_duckdb(path: str) -> Numbers:
    import duckdb

    def clean(name: str) -> str:
        column = f"{name}::DOUBLE"
        inner = f"nullif({column}, -99)"
        return f"nullif({inner}, 0) AS {name}" if name in FLUXES else f"{inner} AS {name}"

    rows = f"(SELECT {', '.join(map(clean, COLUMNS))} FROM '{path}')"  # noqa: S608 - ours
    asked: dict[str, str] = {}
    for c in COLUMNS:
        asked |= {f"{c} {n}": f"{f}({c})" for n, f in (
            ("valid", "count"), ("min", "min"), ("max", "max"), ("mean", "avg"), ("std", "stddev"),
        )}  # fmt: skip
    asked |= {f"{c} below {cut}": f"count_if({c} < {cut})" for c in FLUXES for cut in CUTS}
    asked |= {f"{a} {b}": f"corr({a}, {b})" for a, b in PAIRS}

    def one(query: str) -> tuple:
        (found,) = duckdb.sql(query).fetchall()
        return found

    values = one(f"SELECT {', '.join(asked.values())} FROM {rows}")  # noqa: S608
    found = dict(zip(asked, values, strict=True))
    for c in TWO:
        (curve,) = one(f"SELECT quantile_disc({c}, {SHARES}) FROM {rows}")  # noqa: S608
        found[f"{c} median"] = curve[250]

    def grouped(by: str, where: str = "true", more: str = "") -> list[tuple]:
        query = f"SELECT {by}, count(*){more} FROM {rows} WHERE {where} GROUP BY {by}"  # noqa: S608
        return duckdb.sql(query).fetchall()

    for c in FLUXES:
        for low, high, bins in RANGES:
            number = f"floor(({c} - {low}) / {high - low} * {bins})"
            counts = grouped(number, f"{c} >= {low} AND {c} < {high}")
            found[f"{c} from {low}"] = sum(each[1] for each in counts)
        medians = grouped(
            f"floor(log10({c}) / 6 * {BINS})", f"{c} >= 1 AND {c} < 1e6", ", median(stellarity)"
        )
        found[f"{c} bins"] = sum(each[1] for each in medians)
    west, east, south, north, cells = SKY
    x = f"floor((ra - {west}) / {east - west} * {cells})"
    y = f"floor((dec - {south}) / {north - south} * {cells})"
    found["sky"] = max(each[2] for each in grouped(f"{x}, {y}"))
    hosts = grouped("least(floor(stellarity * 10), 9), is_host")
    found["hosts"] = sum(each[2] for each in hosts if each[1] == 1)
    return found


def with_pandas(path: str) -> Numbers:
    import numpy as np
    import pandas as pd

    rows = pd.read_parquet(path).astype(float).replace(-99, np.nan)
    rows[list(FLUXES)] = rows[list(FLUXES)].replace(0, np.nan)
    found: Numbers = {}
    table = rows.agg(["count", "min", "max", "mean", "std"])
    for c in COLUMNS:
        for n, name in ("valid", "count"), ("min", "min"), ("max", "max"), ("mean", "mean"):
            found[f"{c} {n}"] = table.loc[name, c]
        found[f"{c} std"] = table.loc["std", c]
    found |= {f"{c} below {cut}": int((rows[c] < cut).sum()) for c in FLUXES for cut in CUTS}
    together = rows[list(TWO)].corr()
    found |= {f"{a} {b}": together.loc[a, b] for a, b in PAIRS}
    curves = rows[list(TWO)].quantile(SHARES, interpolation="nearest")
    found |= {f"{c} median": curves[c].iloc[250] for c in TWO}
    for c in FLUXES:
        for low, high, bins in RANGES:
            counts, _ = np.histogram(rows[c].dropna(), bins, (low, high))
            found[f"{c} from {low}"] = int(counts.sum())
        inside = rows[(rows[c] >= 1) & (rows[c] < 1e6)]
        number = np.floor(np.log10(inside[c]) / 6 * BINS)
        medians = inside.groupby(number)["stellarity"].agg(["median", "size"])
        found[f"{c} bins"] = int(medians["size"].sum())
    west, east, south, north, cells = SKY
    sky, _, _ = np.histogram2d(rows["ra"], rows["dec"], cells, ((west, east), (south, north)))
    found["sky"] = int(sky.max())
    tenth = np.floor(rows["stellarity"] * 10).clip(upper=9)
    hosts = rows.groupby([tenth, "is_host"], dropna=False).size()
    found["hosts"] = int(hosts.xs(1.0, level="is_host").sum())
    return found


def with_numpy(path: str) -> Numbers:
    import numpy as np
    from pyarrow import parquet

    read = parquet.read_table(path)
    rows, found = {}, {}
    for c in COLUMNS:
        values = rows[c] = read[c].to_numpy().astype(float)
        values[values == -99] = np.nan
        if c in FLUXES:
            values[values == 0] = np.nan
        valid = values[np.isfinite(values)]
        found |= {f"{c} valid": len(valid), f"{c} min": valid.min(), f"{c} max": valid.max()}
        found |= {f"{c} mean": valid.mean(), f"{c} std": valid.std(ddof=1)}
    for c in TWO:
        valid = rows[c][np.isfinite(rows[c])]
        found[f"{c} median"] = np.quantile(valid, SHARES, method="nearest")[250]
        if c == "stellarity":
            continue
        found |= {f"{c} below {cut}": int((valid < cut).sum()) for cut in CUTS}
        for low, high, bins in RANGES:
            found[f"{c} from {low}"] = int(np.histogram(valid, bins, (low, high))[0].sum())
        inside = (rows[c] >= 1) & (rows[c] < 1e6)
        number = np.floor(np.log10(rows[c][inside]) / 6 * BINS).astype(int)
        stellarity = rows["stellarity"][inside]
        medians = [np.nanmedian(stellarity[number == n]) for n in np.unique(number)]
        found[f"{c} bins"] = len(number) if medians else 0
    for a, b in PAIRS:
        both = np.isfinite(rows[a]) & np.isfinite(rows[b])
        found[f"{a} {b}"] = np.corrcoef(rows[a][both], rows[b][both])[0, 1]
    west, east, south, north, cells = SKY
    sky, _, _ = np.histogram2d(rows["ra"], rows["dec"], cells, ((west, east), (south, north)))
    found["sky"] = int(sky.max())
    is_host = rows["is_host"] == 1
    for chosen in (is_host, ~is_host):
        np.histogram(rows["stellarity"][chosen], 10, (0, 1))
    found["hosts"] = int(is_host.sum())
    return found


def with_pyarrow(path: str) -> Numbers:
    from pyarrow import parquet

    file = parquet.ParquetFile(path)
    for number in range(file.num_row_groups):
        file.read_row_group(number, use_threads=False)
    return {}


PEERS: dict[str, Callable[[str], Numbers]] = {
    "polars": with_polars,
    "duckdb": with_duckdb,
    "pandas": with_pandas,
    "numpy": with_numpy,
    "pyarrow": with_pyarrow,
}

if __name__ == "__main__":
    for module in ("pyarrow.parquet", sys.argv[1]):
        import_module(module)
    begun, processor = time.perf_counter(), time.process_time()
    numbers = PEERS[sys.argv[1]](sys.argv[2])
    status = Path("/proc/self/status").read_text()
    measured = {
        "seconds": time.perf_counter() - begun,
        "processor": time.process_time() - processor,
        "peak": int(status.partition("VmHWM:")[2].split()[0]) / 1024,
        "numbers": {name: float(value) for name, value in numbers.items()},
    }
    print(json.dumps(measured))
