import subprocess
import sys

SAYS = """
from reportgen.undocumented import artists_undocumented

with artists_undocumented():
    import matplotlib.figure
    from matplotlib.lines import Line2D

from matplotlib import artist

class Mine(Line2D):
    pass

line = Line2D([0, 1], [0, 1])
line.set(lw=3, color="#aa0000")
print(line.get_linewidth(), line.get_color())
print(Line2D.set.__doc__, "linewidth" in str(Mine.set.__doc__), "linewidth" in artist.kwdoc(Line2D))
figure = matplotlib.figure.Figure()
axes = figure.add_subplot()
axes.set(xlabel="x", xlim=(0, 3))
print(axes.get_xlabel(), axes.get_xlim()[1])
"""


def test_artists_do_what_they_did_without_their_documentation():
    ran = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["3.0 #aa0000", "None True True", "x 3.0"]


OTHERWISE = """
from matplotlib import artist
del artist.kwdoc
from reportgen.undocumented import artists_undocumented
before = artist.Artist._update_set_signature_and_docstring.__func__
with artists_undocumented():
    print(artist.Artist._update_set_signature_and_docstring.__func__ is before)
"""


def test_a_matplotlib_that_documents_otherwise_is_left_alone():
    ran = subprocess.run(
        [sys.executable, "-c", OTHERWISE], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "True\n"
