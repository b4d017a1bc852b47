import subprocess
import sys

SAYS = """
import sys
from reportgen.analyses.wcs_axes import WCSAxes
print("pytest" in sys.modules, WCSAxes.__module__)
import pytest
"""


def test_the_axes_of_maps_do_not_import_pytest():
    ran = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    assert ran.stdout == "False astropy.visualization.wcsaxes.core\n"
