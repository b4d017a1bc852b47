"""Files with tables as a broken disk or copy leaves them: cut off, changed, with a part missing.

Each is looked at and read as a build does it, in workers of limited time and memory:
``try_files`` says which were neither read in whole nor refused with a cure.
"""

import random
import shutil
from functools import partial
from pathlib import Path

import numpy as np
from every_format import write_rows

from reportgen.config.sources import CatalogueBlock
from reportgen.data.catalogue import Catalogue, open_catalogues
from reportgen.errors import SourceError
from reportgen.workers.pool import set_preloaded, worker_pool

ROWS = 60
MOST_ROWS = 10**6  # more than can be in so small a file
SECONDS = 60.0  # that a file may take to be read, on whatever machine
TOGETHER = 10  # files that one worker reads
MEMORY = 500 * 10**6  # bytes
TEXTS = (".csv", ".ecsv", ".tbl")  # of which a cut may leave a whole table


def write_originals(folder):
    """Write undamaged files and folders, each with the same rows; returns their paths."""
    from astropy.table import Table
    from pyarrow import parquet

    files = list(write_rows(folder, ROWS).values())
    table = Table.read(folder / "rows.fits")
    del table["is_star"]  # neither has truth values
    table.write(folder / "rows.tbl", format="ascii.ipac")
    table.write(folder / "rows.fits.gz")
    split = folder / "folder"
    split.mkdir()
    rows = parquet.read_table(folder / "one_group.parquet")
    for number in range(3):
        parquet.write_table(rows.slice(number * 20, 20), split / f"part{number}.parquet")
    hats = folder / "hats"
    for pixel in (44, 45):
        place = hats / "dataset" / "Norder=1" / "Dir=0" / f"Npix={pixel}.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(rows.slice((pixel - 44) * 30, 30), place)
    (hats / "hats.properties").write_text(
        "obs_collection=rows\ndataproduct_type=object\nhats_nrows=60\nhats_col_ra=ra\n"
        "hats_col_dec=dec\nhats_npix_suffix=.parquet\n"
    )
    (hats / "partition_info.csv").write_text("Norder,Npix\n1,44\n1,45\n")
    return [*files, folder / "rows.tbl", folder / "rows.fits.gz", split, hats]


def damage(original, copy, seed):
    """Make a damaged copy of a file or folder; returns what was done to it."""
    chance = random.Random(seed)  # noqa: S311 - the same each time
    if not original.is_dir():
        return _damage_file(original, copy, chance)
    shutil.copytree(original, copy)
    file = chance.choice(sorted(path for path in copy.rglob("*") if path.is_file()))
    if chance.random() < 0.3:
        file.unlink()
        return f"without {file.relative_to(copy)}"
    return f"{file.relative_to(copy)}: {_damage_file(file, file, chance)}"


def _damage_file(original, copy, chance):
    content = bytearray(original.read_bytes())
    action = chance.randrange(6)
    if action <= 1:
        stop = chance.choice(
            (chance.randrange(len(content)), len(content) - chance.randrange(1, 9))
        )
        del content[stop:]
        said = f"cut off after {stop} bytes"
    elif action == 2:  # in the header, where formats say how long things are
        for _ in range(chance.choice((1, 2, 5))):
            content[chance.randrange(min(len(content), 3000))] = chance.choice(b"0123456789-<>{}\0")
        said = "other header"
    elif action == 3:
        start = chance.randrange(len(content))
        stop = start + chance.randrange(1, 4000)
        del content[start:stop]
        said = f"without bytes {start} to {stop}"
    elif action == 4:
        start = chance.randrange(len(content))
        content[start : start + 512] = bytes(min(512, len(content) - start))
        said = f"a sector of zeros from {start}"
    else:
        for _ in range(chance.choice((1, 1, 3, 30))):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        said = "other bits"
    copy.write_bytes(content)
    return said


LIBRARIES = ["astropy.io.votable", "astropy.table", "h5py", "pyarrow.csv", "pyarrow.parquet"]


def try_files(folder, originals, seeds):
    """Try a damaged file for each seed; return what went wrong, by seed, and how many were read."""
    set_preloaded(LIBRARIES)  # imported once, and not by each worker
    folder.mkdir()
    tried = {}
    for seed in seeds:
        original = originals[seed % len(originals)]
        copy = folder / f"{seed}{''.join(original.suffixes)}"
        tried[seed] = copy, original, damage(original, copy, seed)
    whole = dict(zip(originals, _read(list(_opened(originals).values())), strict=True))
    opened = _opened(copy for copy, _, _ in tried.values())
    results = {copy: found for copy, found in opened.items() if not isinstance(found, Catalogue)}
    found = [(copy, each) for copy, each in opened.items() if isinstance(each, Catalogue)]

    def ended(batch, end):
        said = end.failed or (f"prints {end.printed!r}" if end.printed else "")
        values = [str(said)] * len(batch) if said else end.value
        results.update(zip((copy for copy, _ in batch), values, strict=True))

    with worker_pool(2) as pool:
        for start in range(0, len(found), TOGETHER):
            batch = found[start : start + TOGETHER]
            then = partial(ended, batch)
            catalogues = [each for _, each in batch]
            pool.start(_read, catalogues, then=then, timeout=SECONDS, memory=MEMORY)
        pool.finish()
    wrong, read = {}, 0
    for seed, (copy, original, done) in tried.items():
        result = results[copy]
        read += isinstance(result, dict)
        problem = _problem(result, copy)
        is_exact = "cut off" in done and original.suffix not in TEXTS and not original.is_dir()
        if is_exact and not problem and isinstance(result, dict):
            problem = "" if _same(result, whole[original]) else "other numbers"
        if problem:
            wrong[f"{seed}: {original.name} {done}"] = problem.replace(str(copy), original.name)
    shutil.rmtree(folder)
    return wrong, read


def _opened(paths):
    """Look what is in files, as a build does; returns catalogues or errors by the path."""
    blocks = {str(path): CatalogueBlock(file=path) for path in paths}
    found = open_catalogues(blocks, lambda *_: "c.yaml:1:1: catalogues")
    return {Path(name): each for name, each in found.items()}


def _read(catalogues):
    """Return the values of catalogues by their columns, or the error; called in a worker."""
    found = []
    for catalogue in catalogues:
        try:
            found.append(_values(catalogue))
        except SourceError as error:
            found.append(error)
        except Exception as error:  # of a library, which a user would see
            found.append(f"reading: {type(error).__name__}: {error}")
    return found


def _values(catalogue):
    if catalogue.rows > MOST_ROWS:
        return f"{catalogue.rows} rows are said to be in so small a file"
    columns = catalogue.columns.keys() - catalogue.broken.keys()
    with catalogue.reading(columns) as read:
        values = read(range(catalogue.rows))
    if any(each.shape[-1] != catalogue.rows for each in values.values()):
        return f"not all columns have {catalogue.rows} values"
    return values


def _same(values, others):
    return values.keys() == others.keys() and all(
        np.array_equal(values[name], others[name], equal_nan=True) for name in values
    )


def _problem(result, path):
    """Return what is wrong with what a file gave: values, an error, or what went wrong."""
    if isinstance(result, dict):
        return ""
    if not isinstance(result, SourceError):
        return result
    if str(path) not in result.message:
        return f"does not name the file: {result.message}"
    if not result.hint:
        return f"has no cure: {result.message}"
    is_odd = "went wrong" in result.message or "header cannot be read" in result.message
    return result.message if is_odd else ""
