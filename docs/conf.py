"""How Sphinx makes the documentation site: make docs."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from generate import write_reference

project = "reportgen"
author = copyright = "The reportgen developers"
version = release = installed("reportgen")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "pydata_sphinx_theme"
html_title = "reportgen"
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}
html_show_sourcelink = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nitpicky = False
autodoc_typehints = "description"
templates_path: list[str] = []
exclude_patterns = ["_build"]


def setup(app):
    """Write the pages of the reference before Sphinx looks for pages."""
    app.connect("builder-inited", lambda app: write_reference(Path(app.srcdir)))
