"""What the tables of a run hold, in a few numbers that each of their numbers decides.

``python tests/reference/table_digests.py RUN > tests/reference/NAME.json`` renews a reference.
"""

import json
import sys
from pathlib import Path

import numpy as np
from astropy.table import Table

SHOWN = 12  # values of each column that are given as they are


def tables_of(run):
    """Return section → table → column → what is in it."""
    summary = json.loads((Path(run) / "summary.json").read_text(encoding="utf-8"))
    return {
        section["id"]: {record["id"]: _table(run, record) for record in section["tables"]}
        for section in summary["sections"]
    }


def _table(run, record):
    table = Table.read(Path(run) / record["files"]["ecsv"], format="ascii.ecsv")
    return {name: _column(table[name]) for name in table.colnames}


def _column(column):
    """Return length, unit, gaps, some values, and two sums of all; of text its values."""
    gaps = np.flatnonzero(np.ma.getmaskarray(np.ma.asarray(column))).tolist()
    told = {"n": len(column), "unit": str(column.unit or ""), "missing": len(gaps)}
    if column.dtype.kind not in "biuf":
        return {**told, "values": [str(value) for value in column[:SHOWN]]}
    values = np.ma.asarray(column).astype(float).filled(np.nan)
    known = np.isfinite(values)
    chosen = values[np.linspace(0, len(values) - 1, min(SHOWN, len(values))).astype(int)]
    sizes = np.abs(np.where(known, values, 0.0))
    weights = 1.0 + np.arange(len(values)) % 97  # a swap of two values is seen too
    return {
        **told,
        "finite": int(known.sum()),
        "values": [None if np.isnan(value) else float(value) for value in chosen],
        "sum": float(np.where(known, values, 0.0) @ weights),
        "size": float(sizes @ weights),
    }


def text_of(tables):
    """Return what tables hold as JSON, a line a column, so that one can see what has changed."""
    lines = []
    for section, found in tables.items():
        for table, columns in found.items():
            for column, told in columns.items():
                line = [section, table, column, told]
                lines.append(json.dumps(line, ensure_ascii=False))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def read_reference(path):
    """Return section → table → column → what was in it when the reference was made."""
    found = {}
    for section, table, column, told in json.loads(path.read_text(encoding="utf-8")):
        found.setdefault(section, {}).setdefault(table, {})[column] = told
    return found


if __name__ == "__main__":
    sys.stdout.write(text_of(tables_of(sys.argv[1])))
