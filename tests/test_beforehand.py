import subprocess
import sys

from reportgen.server import DRAWING

# Of a model that is not built yet, pydantic builds the validator when it is first needed.
SAYS = """
import sys
import reportgen.beforehand as done
from matplotlib.font_manager import findfont
from PIL import Image
print(all(record.__pydantic_complete__ for record in done.RECORDS))
print(findfont("Source Sans 3"))
print("PNG" in Image.OPEN)
import matplotlib.lines
print("fontTools.subset" in sys.modules, matplotlib.lines.Line2D.set.__doc__)
"""


def test_what_sections_need_first_is_done_once_it_is_imported():
    said = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    complete, font, png, *unneeded = said.stdout.split()
    assert complete == png == "True"
    assert "reportgen" in font
    assert unneeded == ["False", "None"]


def test_the_server_of_what_draws_imports_it():
    assert "reportgen.beforehand" in DRAWING
