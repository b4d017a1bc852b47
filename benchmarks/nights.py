"""The nights of the benchmark, and what a user types on each: the notebook, or reportgen."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

import h5py
import numpy as np
from measuring import Measured, measure

HERE = Path(__file__).resolve().parent
CONFIG = HERE.parent / "configs" / "cdfs.yaml"
NOTEBOOK = HERE / "notebook.ipynb"
OTHER_SKY = ("--seed", "1998", "--rows", "31000")  # other objects, and more of them
# What a night adds to the files of the one before: datasets, and how many rows or cut-outs of each.
ADDED = {
    "crowdastro.h5": {
        "/swire/cdfs/catalogue": 1000,
        "/atlas/cdfs/positions": 80,
        "/atlas/cdfs/images_2x2": 10,
        "/atlas/cdfs/images_5x5": 10,
    },
    "training.h5": {"/labels": 1000},
}
# Which cut-outs are others on the night after, of those that the report shows.
ANOTHER = slice(90, 100)
SAME_NETWORK = ("cnn_model.json", "weights_10epochs.h5", "my_cnn_weights.h5")
SETTLED = 3.0  # seconds
# A page that loads nothing from anywhere, as reportgen's.
OFFLINE = ("require_js_url", "mathjax_url", "jquery_url")


@dataclass(frozen=True)
class Notebook:
    """What the notebook's three commands took."""

    execute: Measured
    html: Measured
    pdf: Measured

    @property
    def without_pdf(self) -> Measured:
        """What it took to the HTML page."""
        return together(self.execute, self.html)

    @property
    def whole(self) -> Measured:
        """What it took to the PDF."""
        return together(self.execute, self.html, self.pdf)


def together(*parts: Measured) -> Measured:
    """Give what commands took that ran one after another."""
    return Measured(
        sum(part.seconds for part in parts),
        sum(part.processor for part in parts),
        max(part.peak for part in parts),
    )


@dataclass(frozen=True)
class Place:
    """A folder with the surveys of some nights; ``data`` is where all look for tonight's."""

    folder: Path
    environment: dict[str, str] = field(repr=False)

    @property
    def data(self) -> Path:
        """The folder with the survey of tonight."""
        return self.folder / "data"

    @property
    def numbers(self) -> Path:
        """What the notebook found."""
        return self.folder / "numbers.json"

    @property
    def latest(self) -> Path:
        """The last run of reportgen."""
        return self.folder / "reports" / "latest"


def prepare(folder: Path) -> Place:
    """Make the surveys of four nights, of the same layout and with one network.

    first. added: the same, with more rows and cut-outs after those that were there. shown: with
    still more, and with others in the place of some cut-outs that the report shows. other: other
    objects and cut-outs altogether.
    """
    place = Place(folder, plain_environment() | {"CDFS_DATA": str(folder / "data")})
    for night, options in (("first", ()), ("other", OTHER_SKY)):
        command = [sys.executable, "-m", "reportgen", "sample", str(folder / night), *options]
        subprocess.run(command, check=True, capture_output=True)
    for name in SAME_NETWORK:
        shutil.copy2(folder / "first" / name, folder / "other" / name)
    for night, before, times in (("added", "first", 0), ("shown", "added", 1)):
        shutil.copytree(folder / before, folder / night)
        for name, datasets in ADDED.items():
            for dataset, n in datasets.items():
                rows = slice(times * n, (times + 1) * n)
                append(folder / night / name, folder / "other" / name, dataset, rows)
    replace_cutouts(folder / "shown" / "crowdastro.h5", folder / "other" / "crowdastro.h5")
    return place


def replace_cutouts(file: Path, other: Path) -> None:
    """Put the cut-outs of another file in the place of some of this one."""
    with h5py.File(other) as source, h5py.File(file, "r+") as target:
        for dataset in ("/atlas/cdfs/images_2x2", "/atlas/cdfs/images_5x5"):
            target[dataset][ANOTHER] = source[dataset][ANOTHER]


def append(file: Path, other: Path, dataset: str, rows: slice) -> None:
    """Put some rows of a dataset of another file after those of this one.

    One that was made to grow does: a new one would not be compressed, and the file not give back
    the place of the old.
    """
    with h5py.File(other) as source, h5py.File(file, "r+") as target:
        old, new = target[dataset], source[dataset][rows]
        if old.maxshape[0] is None:
            old.resize(len(old) + len(new), axis=0)
            old[len(old) - len(new) :] = new
            return
        values = np.concatenate([old[...], new])
        attributes = dict(old.attrs)
        del target[dataset]
        target.create_dataset(dataset, data=values).attrs.update(attributes)


def plain_environment() -> dict[str, str]:
    """Give our environment without what would change a report."""
    unwanted = ("CDFS_DATA", "SOURCE_DATE_EPOCH", "REPORTGEN_HISTORY")
    return {name: text for name, text in os.environ.items() if name not in unwanted}


def begin_night(place: Place, night: str) -> None:
    """Put the files of a night where they are read; those that stay the same are not touched."""
    place.data.mkdir(exist_ok=True)
    for source in sorted((place.folder / night).iterdir()):
        target = place.data / source.name
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        new = target.with_suffix(".new")
        shutil.copy2(source, new)
        new.replace(target)
    sleep(
        SETTLED
    )  # what was written this instant is not trusted to stay; data of a night are older


def forget_all(place: Place) -> None:
    """Remove all that reportgen made, its cache included."""
    shutil.rmtree(place.folder / "reports", ignore_errors=True)


def run_notebook(place: Place, *, memory: bool = False) -> Notebook:
    """Execute the notebook, make a page of it, and print that."""
    python = (sys.executable, "-m")
    parameters = ("-p", "data", place.data, "-p", "numbers", place.numbers)
    page, paper = place.folder / "executed.html", place.folder / "executed.pdf"
    scratch = place.folder / "browser"
    parts = (
        (*python, "papermill", NOTEBOOK, "executed.ipynb", "--no-progress-bar", *parameters),
        (
            *(*python, "nbconvert", "--to", "html", "--no-input", "executed.ipynb"),
            *(f"--HTMLExporter.{name}=" for name in OFFLINE),
        ),
        (
            *(browser(), "--headless", "--no-sandbox", "--disable-gpu"),
            *(f"--user-data-dir={scratch}", f"--print-to-pdf={paper}", page.as_uri()),
        ),
    )
    for old in (place.numbers, page, paper):
        old.unlink(missing_ok=True)
    took = [measure(part, place.environment, place.folder, memory=memory) for part in parts]
    shutil.rmtree(scratch, ignore_errors=True)
    if not paper.read_bytes().startswith(b"%PDF-"):
        raise SystemExit("The browser made no PDF.")
    return Notebook(*took)


def build(
    place: Place, *options: str, memory: bool = False, profile: Path | None = None
) -> Measured:
    """Build the report as a user does; it must be whole, with the documents asked for.

    profile: file for the time line of the build.
    """
    command = (sys.executable, "-m", "reportgen", CONFIG, "--output", place.latest.parent, *options)
    command += () if profile is None else ("--profile", profile)
    before = place.latest.resolve()
    took = measure(command, place.environment, place.folder, memory=memory)
    summary = json.loads((place.latest / "summary.json").read_text(encoding="utf-8"))
    wanted = {"html"} if options else {"html", "pdf"}
    if summary["run"]["status"] != "ok" or set(summary["documents"]) != wanted:
        raise SystemExit(f"The build of {place.latest.resolve()} is not what was asked for.")
    if place.latest.resolve() == before:
        raise SystemExit("The build left no new run.")
    return took


def browser() -> str:
    """Give the browser that prints the page; SystemExit when there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise SystemExit("Chromium is needed to print the notebook: apt-get install chromium")
    return found
