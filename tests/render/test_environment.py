import os
import subprocess
import sys

WITHOUT_ROOM = """
import resource
from reportgen.render.environment import render_page
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
assert "font-family" in render_page("base.css", "")
"""


def test_a_disk_without_room_for_compiled_templates_costs_no_page(tmp_path):
    subprocess.run(
        [sys.executable, "-c", WITHOUT_ROOM],
        check=True,
        timeout=60,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
