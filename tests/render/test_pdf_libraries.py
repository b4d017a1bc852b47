import ctypes.util
import json
import subprocess
import sys

import pytest

from reportgen.render import pdf_libraries

SAYS = """
import json
import subprocess
import sys

started = []

def see(event, arguments):
    if event == "subprocess.Popen" or event.startswith("os.posix_spawn"):
        started.append(str(arguments[0]))

sys.addaudithook(see)
import reportgen.render.pdf_libraries
import weasyprint
unused = [name for name in ("fontTools.subset", "fontTools.varLib") if name in sys.modules]
from fontTools import subset
print(json.dumps([started, unused, subset.Options.__module__]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux")
def test_no_program_is_run_to_find_libraries_and_fonts_are_cut_by_others():
    ran = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    started, imported, module = json.loads(ran.stdout)
    assert started == imported == []
    assert module == "fontTools.subset"  # whoever asks for it has the module itself


HIDES = """
import contextlib
import ctypes.util
import sys
import cffi

before, tried = cffi.FFI.dlopen, []

def dlopen(self, name, flags=0):
    # As on a system where libraries have other file names, which only ldconfig knows.
    if name and name.endswith(".so.0") and "pango-1" in name:
        tried.append(name)
        raise OSError(f"cannot load library {name!r}")
    if name == "pango-1.0" and ctypes.util.find_library is find:
        name = "libpango-1.0.so.0"
    return before(self, name, flags)

find = ctypes.util.find_library
cffi.FFI.dlopen = dlopen
import reportgen.render.pdf_libraries
import weasyprint
print(len(tried), weasyprint.HTML(string="<p>It prints").write_pdf()[:5])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux")
def test_libraries_of_other_names_are_looked_for_as_python_does():
    ran = subprocess.run([sys.executable, "-c", HIDES], capture_output=True, text=True, check=True)
    assert ran.stdout == "1 b'%PDF-'\n"


def test_python_finds_libraries_as_before_once_weasyprint_is_there():
    assert ctypes.util.find_library is not pdf_libraries._find_nothing
