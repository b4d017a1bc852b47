"""How long it takes to list 2,000 nights and to write their page: without and with the cache.

Run as: python benchmarks/index_nights.py [--nights N] [--record SUMMARY_JSON] [--keep FOLDER]

Each night has a small but valid record, or a copy of one that is given, such as that of
build/cdfs/latest. With --keep the folder stays, to be looked at in a browser.
"""

import argparse
import math
import random
import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from reportgen.nights import CACHE, list_runs, write_index
from reportgen.publish import LATEST
from reportgen.render.trends import Limits
from reportgen.summary import (
    ConfigurationRecord,
    DocumentRecord,
    EnvironmentRecord,
    ErrorRecord,
    MetricRecord,
    ReportRecord,
    RunRecord,
    SectionRecord,
    Summary,
    read_summary,
    with_status,
    write_summary,
)

LAST = datetime(2026, 11, 23, 2, tzinfo=UTC)
REPORT = ReportRecord(id="cdfs", title="Chandra Deep Field South", field="CDFS")
TRENDS = (
    "fluxes.median",
    "fluxes.missing",
    "sky.density",
    "stellarity.stars",
    "sky.rows",
    "network.accuracy",
)
LIMITS = {
    "fluxes.missing": Limits(upper=4.0),
    "network.accuracy": Limits(lower=0.8),
    "sky.rows": Limits(lower=1000),
}
STATUSES = {"ok": 86, "warn": 7, "fail": 4, "error": 3}
MISSED = 0.02  # of the nights have no run


def metrics(night, broken):
    """Give the metrics of a night's sections, with a drift, a step and noise."""
    noise = random.Random(night).gauss  # noqa: S311 - not a secret

    def value(number):
        return None if broken else number

    step = 1.5 if night > 340 else 0.0
    return {
        "fluxes": {
            "median": MetricRecord(
                label="Median flux density",
                value=value(41.2 + 0.004 * night + noise(0, 0.4)),
                unit="uJy",
                digits=1,
            ),
            "missing": MetricRecord(
                label="Missing values",
                value=value(2.1 + step + noise(0, 0.25)),
                unit="%",
                digits=1,
            ),
        },
        "sky": {
            "density": MetricRecord(
                label="Objects per square arcminute",
                value=value(18 + 2 * math.sin(night / 30) + noise(0, 0.3)),
                unit="arcmin-2",
                digits=2,
            ),
            "rows": MetricRecord(label="Rows", value=value(30_853 + 11 * night), digits=0),
        },
        "stellarity": {
            "stars": MetricRecord(label="Stars", value=0.31 + noise(0, 0.004), digits=3),
        },
        "network": {
            "accuracy": MetricRecord(
                label="Accuracy", value=0.86 - step / 50 + noise(0, 0.006), digits=3
            ),
        },
    }


def small_record(run_id, started, night, status):
    """Give a small but valid record of a run."""
    broken = status == "error"
    sections = tuple(
        SectionRecord(
            id=name,
            analysis="distribution",
            title=name.capitalize(),
            status=status if name == "fluxes" else "ok",
            source="swire",
            seconds=4.2,
            rows=30_853,
            findings=(f"The section {name} found what it found on other nights.",),
            metrics=values,
            error=ErrorRecord(kind="error", message="The column is missing.") if broken else None,
        )
        for name, values in metrics(night, broken).items()
    )
    summary = Summary(
        report=REPORT,
        run=RunRecord(id=run_id, started=f"{started:%FT%TZ}", seconds=38 + night % 9, status="ok"),
        configuration=ConfigurationRecord(path="configs/cdfs.yaml", text="…", sha256="0" * 64),
        environment=EnvironmentRecord(versions={"reportgen": "0.1.0"}),
        inputs=(),
        sections=sections,
        documents={
            "html": DocumentRecord(file="report.html"),
            "pdf": DocumentRecord(file="report.pdf"),
        },
    )
    return with_status(summary)


def make_nights(folder, count, record=None):
    """Make runs of so many nights, some nights with two, and latest; give the number of runs."""
    draw = random.Random(4)  # noqa: S311 - not a secret
    runs = 0
    for night in range(count):
        if night and draw.random() < MISSED:
            continue
        for again in range(2 if draw.random() < 0.03 else 1):
            started = LAST - timedelta(days=count - 1 - night) + timedelta(hours=3 * again)
            run_id = f"{started:%Y%m%dT%H%M%SZ}"
            run = folder / run_id
            run.mkdir()
            (status,) = draw.choices(list(STATUSES), STATUSES.values())
            if record is None:
                summary = small_record(run_id, started, night, status)
            else:
                times = record.run.model_copy(update={"id": run_id, "started": f"{started:%FT%TZ}"})
                summary = record.model_copy(update={"run": times})
            write_summary(run, summary)
            (run / "report.html").write_text(f"<!DOCTYPE html><title>{run_id}</title>")
            (run / "report.pdf").touch()
            runs += 1
    (folder / LATEST).unlink(missing_ok=True)
    (folder / LATEST).symlink_to(run_id)
    return runs


def seconds(work, *arguments, **options):
    began = perf_counter()
    work(*arguments, **options)
    return perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nights", type=int, default=2000)
    parser.add_argument("--record", type=Path, help="run folder whose record all nights get")
    parser.add_argument("--keep", type=Path, help="folder to make the nights in")
    options = parser.parse_args()
    record = read_summary(options.record) if options.record else None
    place = nullcontext(options.keep) if options.keep else tempfile.TemporaryDirectory()
    with place as name:
        folder = Path(name)
        folder.mkdir(exist_ok=True)
        runs = make_nights(folder, options.nights, record)
        first = next(folder.glob("2*/summary.json")).stat().st_size
        print(f"{options.nights} nights, {runs} runs, {first / 1000:.0f} kB of summary.json each")

        def write():
            write_index(folder, REPORT, trends=TRENDS, limits=LIMITS)

        print(f"  nothing is known        {seconds(write):6.2f} s")
        print(f"  nothing has changed     {seconds(write):6.2f} s")
        newest = sorted(folder.glob("2*/summary.json"))[-1]
        newest.write_bytes(newest.read_bytes())
        print(f"  one run is new          {seconds(write):6.2f} s")
        (folder / CACHE).write_bytes(b"damaged")
        print(f"  the cache is damaged    {seconds(write):6.2f} s")
        print(f"  listing alone           {seconds(list_runs, folder):6.2f} s")
        page, cache = (folder / "index.html").stat().st_size, (folder / CACHE).stat().st_size
        print(f"  index.html {page / 1e6:.2f} MB, {CACHE} {cache / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
