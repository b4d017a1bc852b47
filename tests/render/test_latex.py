"""Tables as LaTeX."""

import numpy as np

from reportgen.analyses.results import Section, Table, TableColumn
from reportgen.render.latex import MOST_ROWS, escaped, latex_table
from reportgen.render.saving import section_files

of = TableColumn.of


def test_a_table_has_the_digits_of_the_report_and_units_below_its_heads():
    columns = [
        of("band_1", ["3.6 µm", "[OIII] & Hα"]),
        of("flux", [1234.5678, np.nan], "uJy / beam", digits=1),
        of("tiny", [-1.5e-9, 2.0]),
        of("n", [30853, 7]),
        of("seen", ["50 %", ""], "odd_unit"),
    ]
    assert latex_table(Table("fluxes", "5 % & more", columns)).decode().splitlines() == [
        r"\begin{table}",
        r"\caption{5 \% \& more}",
        r"\begin{tabular}{lrrrl}",
        r"\toprule",
        r"band\_1 & flux & tiny & n & seen \\",
        r" & ($\mathrm{\mu Jy\,beam^{-1}}$) &  &  & (odd\_unit) \\",
        r"\midrule",
        r"3.6 $\mu$m & 1,234.6 & $-$1.5$\times10^{-9}$ & 30,853 & 50 \% \\",
        r"{[}OIII] \& H$\alpha$ & --- & 2 & 7 &  \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def test_no_text_is_a_command():
    assert escaped("\\input{x}^~#$%_") == (
        r"\textbackslash{}input\{x\}\textasciicircum{}\textasciitilde{}\#\$\%\_"
    )


def test_only_tables_that_are_shown_and_not_too_long_are_latex():
    numbers = Table("numbers", "Numbers", [of("n", np.arange(3))])
    hidden = Table("hidden", "Hidden", [of("n", np.arange(3))], shown=False)
    long = Table("long", "Long", [of("n", np.arange(MOST_ROWS + 1))])
    made = section_files(Section(["Found."], tables=[numbers, hidden, long]), "part")
    assert [list(table.files) for table in made.tables] == [
        ["ecsv", "csv", "tex"],
        ["ecsv", "csv"],
        ["ecsv", "csv"],
    ]


def test_a_column_has_the_title_of_the_report_and_one_for_files_alone_is_left_out():
    columns = [of("column", ["flux_36"], shown=False), of("n_36", [1], title="3.6 µm")]
    text = latex_table(Table("counts", "Counts", columns)).decode()
    assert r"3.6 $\mu$m \\" in text
    assert "column" not in text
    assert "36" not in text
