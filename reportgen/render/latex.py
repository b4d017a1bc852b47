r"""A table as LaTeX, for papers: booktabs, with the digits that a report shows.

It needs ``\usepackage{booktabs}`` and, with pdfTeX, ``\usepackage[utf8]{inputenc}``.
"""

import re
from itertools import repeat

import numpy as np

from reportgen.analyses.results import Table, TableColumn
from reportgen.wording import MISSING, count, number, printable_line

MOST_ROWS = 100  # nobody prints more

_POWER = re.compile("×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "[": "{[}",  # else a length, at the beginning of a row
    "*": "{*}",  # else no page break before a row
    "<": "$<$",
    ">": "$>$",
    "\u00a0": "~",
    "\u2212": "$-$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "°": r"$^\circ$",
    "′": r"$'$",
    "″": r"$''$",
    "☉": r"$_\odot$",
    **{each: f"$^{{{str(each).translate(_RAISED)}}}$" for each in "⁰¹²³⁴⁵⁶⁷⁸⁹"},
    "⁻": "$^{-}$",
    # Both signs for micro, then the Greek letters of statistics and colours.
    **dict.fromkeys("µμ", r"$\mu$"),
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "δ": r"$\delta$",
    "Δ": r"$\Delta$",
    "λ": r"$\lambda$",
    "ρ": r"$\rho$",
    "σ": r"$\sigma$",
    "Σ": r"$\Sigma$",
    "χ": r"$\chi$",
    "–": "--",
    "—": "---",
}
_ESCAPED = str.maketrans(_SIGNS)


def latex_table(table: Table) -> bytes | None:
    """Return a table as LaTeX; None for one that is longer than anybody prints."""
    if len(table.columns[0].values) > MOST_ROWS:
        return None
    shown = [column for column in table.columns if column.shown]
    kinds = "".join("r" if column.is_numeric else "l" for column in shown)
    units = [_unit(column.unit) for column in shown]
    lines = [
        r"\begin{table}",
        rf"\caption{{{escaped(table.title)}}}",
        rf"\begin{{tabular}}{{{kinds}}}",
        r"\toprule",
        _row([escaped(column.title or column.name) for column in shown]),
        *([_row(units)] if any(units) else []),
        r"\midrule",
        *map(_row, zip(*map(_cells, shown), strict=True)),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return ("\n".join(lines) + "\n").encode()


def escaped(text: str) -> str:
    """Return a text that LaTeX prints as it is."""
    parts = _POWER.split(printable_line(text))
    parts[::2] = [part.translate(_ESCAPED) for part in parts[::2]]
    parts[1::2] = [rf"$\times10^{{{part.translate(_RAISED)}}}$" for part in parts[1::2]]
    return "".join(parts)


def _row(cells: "list[str] | tuple[str, ...]") -> str:
    return " & ".join(cells) + r" \\"


def _unit(unit: str) -> str:
    from astropy.units import Unit

    if not unit:
        return ""
    try:
        return f"({Unit(unit).to_string('latex_inline')})"
    except ValueError:
        return f"({escaped(unit)})"


def _cells(column: TableColumn) -> list[str]:
    values = np.ma.asarray(column.values)
    missing = np.ma.getmaskarray(values)
    if not column.is_numeric:
        pairs = zip(values.data, missing, strict=True)
        return [escaped(MISSING if lacks else str(value)) for value, lacks in pairs]
    of_rows = column.digits if isinstance(column.digits, tuple) else repeat(column.digits)
    return [
        escaped(MISSING if lacks or not np.isfinite(float(value)) else _number(value, digits))
        for value, lacks, digits in zip(values.data, missing, of_rows, strict=False)
    ]


def _number(value: float, digits: int | None) -> str:
    if isinstance(value, int | np.integer):
        return count(int(value))
    return number(float(value), digits)
