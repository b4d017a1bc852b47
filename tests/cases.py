"""Tables of cases, a line each."""

import pytest


def cases(table):
    """Give the rows of a table: a line each, cells between |, in which ¶ is the end of a line."""
    rows = [[cell.strip() for cell in row.split(" | ")] for row in table.strip().splitlines()]
    assert len({len(row) for row in rows}) == 1, rows
    return [
        pytest.param(*(cell.replace("¶", "\n") for cell in row), id=" ".join(row)[:70])
        for row in rows
    ]
