import re
import shutil
import subprocess

import numpy as np
import pytest
from projects import section, small_project

from reportgen.render.paper_tables import BREAK, LONGEST, in_blocks
from reportgen.render.tables import CellView, HeadView, TableView

RIGHT_MARGIN = 18 * 72 / 25.4  # points


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")
def test_no_column_of_a_wide_table_leaves_the_paper(tmp_path):
    project = small_project(tmp_path)
    names = [f"a_rather_long_name_{place}" for place in range(24)]
    random = np.random.default_rng(2)
    project.write(**{name: random.normal(size=200) for name in names})
    project.configure(
        {"pairs": section("correlation", columns=names)},
        output={"folder": "out", "formats": ["pdf"]},
    )
    done = project.build()
    assert done.returncode == 0, done.stderr
    pdf = project.latest / "report.pdf"
    command = ["pdftotext", "-bbox", str(pdf), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    width = float(re.search(r'<page width="([\d.]+)"', text)[1])
    ends = [float(end) for end in re.findall(r'xMax="([\d.]+)"', text)]
    assert max(ends) <= width - RIGHT_MARGIN + 1
    words = " ".join(re.findall(r">([^<]*)</word>", text))
    heads = re.findall(r"columns (\d+) to (\d+) of 25", words)
    shown = [number for low, high in heads for number in range(int(low), int(high) + 1)]
    assert shown == 2 * list(range(2, 26))  # Pearson's r, and the rows of each pair


def test_a_word_that_no_line_can_hold_may_be_broken_and_costs_no_other_column_its_place():
    texts = ("x" * 200, "in many words", "two\nlines \u200d")
    heads = [HeadView(name, "", "", numeric=False) for name in ("object", "y" * 100, "z")]
    row = tuple(CellView(text, text) for text in texts)
    (block,) = in_blocks(TableView("t", "T", tuple(heads), (row,), 1, {}))
    assert [cell.text.replace(BREAK, "") for cell in block.rows[0]] == list(texts)
    assert max(map(len, block.rows[0][0].text.split(BREAK))) == LONGEST
    assert [head.name.replace(BREAK, "") for head in block.heads] == [head.name for head in heads]
