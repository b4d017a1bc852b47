"""The package uses public parts of other packages only, and changes none of them.

Private parts change without notice and fail silently.
"""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "reportgen"
FILES = sorted(PACKAGE.rglob("*.py"))
# File: what is written there → why it must be, and the upper bound in pyproject.toml it needs.
EXCEPTIONS: dict[tuple[str, str], str] = {}
FORBIDDEN_MODULES = {"ctypes", "cffi"}
FORBIDDEN_CALLS = {"os.fork", "os.forkpty", "sys.modules.setdefault", "sys.modules.update"}
FORBIDDEN_CALLS |= {"sys.modules.pop", "importlib.reload"}
DOCUMENTED = {"os._exit", "sys._getframe", "sys._MEIPASS"}  # in Python's own documentation


def is_private(name):
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


class Scan(ast.NodeVisitor):
    """Collects what a module does to others. foreign: names here → modules of other packages."""

    def __init__(self):
        self.foreign = {}
        self.found = []

    def visit_Import(self, node):
        for each in node.names:
            self._module(each.name)
            if each.name.split(".")[0] != "reportgen":
                whole = each.name if each.asname else each.name.split(".")[0]
                self.foreign[each.asname or whole] = whole

    def visit_ImportFrom(self, node):
        module = node.module or ""
        if node.level or module.split(".")[0] == "reportgen":
            return
        self._module(module)
        for each in node.names:
            if is_private(each.name):
                self.found.append(f"{module}.{each.name}")
            self.foreign[each.asname or each.name] = f"{module}.{each.name}"

    def _module(self, name):
        if name.split(".")[0] in FORBIDDEN_MODULES or any(map(is_private, name.split("."))):
            self.found.append(name)

    def visit_Attribute(self, node):
        name = self._name(node)
        own = name is None and self._is_own(node.value)
        if is_private(node.attr) and not own and name not in DOCUMENTED:
            self.found.append(name or f"….{node.attr}")
        self.generic_visit(node)

    def _is_own(self, value):
        """Whether a private attribute is of something of ours, as far as one can see."""
        return isinstance(value, ast.Name) and value.id not in self.foreign

    def visit_Call(self, node):
        name = self._name(node.func)
        if name in FORBIDDEN_CALLS:
            self.found.append(name)
        if isinstance(node.func, ast.Name) and node.func.id in {"setattr", "getattr", "delattr"}:
            self._by_name(node)
        self.generic_visit(node)

    def _by_name(self, node):
        target, name = node.args[0], node.args[1]
        text = name.value if isinstance(name, ast.Constant) else ""
        foreign = self._name(target)
        if is_private(str(text)) or (foreign and node.func.id != "getattr"):
            self.found.append(f"{node.func.id} {foreign or '…'}.{text}")

    def visit_Assign(self, node):
        self._targets(node.targets)
        self.generic_visit(node)

    def visit_AugAssign(self, node):
        self._targets([node.target])
        self.generic_visit(node)

    def visit_AnnAssign(self, node):
        self._targets([node.target])
        self.generic_visit(node)

    def visit_Delete(self, node):
        self._targets(node.targets)
        self.generic_visit(node)

    def _targets(self, targets):
        """Look at what is assigned to: an attribute of a module, an entry of sys.modules."""
        for target in targets:
            place = target.value if isinstance(target, ast.Subscript) else target
            name = self._name(place)
            is_attribute = isinstance(target, ast.Attribute) and name not in REPLACEABLE
            if name == "sys.modules" or (name and is_attribute):
                self.found.append(f"{name} = …")

    def _name(self, node):
        """Give the dotted name of something of another package; None for what is not."""
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not (isinstance(node, ast.Name) and node.id in self.foreign):
            return None
        return ".".join([self.foreign[node.id], *reversed(parts)])


REPLACEABLE = {"sys.stdin", "sys.stdout", "sys.stderr", "sys.unraisablehook"}  # made for it


def found_in(text):
    scan = Scan()
    scan.visit(ast.parse(text))
    return scan.found


def test_only_public_parts_of_other_packages_are_used_and_none_is_changed():
    found = {
        (file.relative_to(PACKAGE).as_posix(), what)
        for file in FILES
        for what in found_in(file.read_text(encoding="utf-8"))
    }
    assert found == set(EXCEPTIONS)


@pytest.mark.parametrize(
    "text",
    [
        "import ctypes",
        "from numpy import _core",
        "import numpy._core",
        "import matplotlib\nmatplotlib._mathtext",
        "import matplotlib as mpl\nmpl.artist._x = 1",
        "from matplotlib import artist\nartist.kwdoc = None",
        "import sys\nsys.modules['x'] = None",
        "import sys\ndel sys.modules['x']",
        "import sys\nsys.modules.update({})",
        "import os\nos.fork()",
        "import dataclasses\nsetattr(dataclasses, 'x', 1)",
        "import dataclasses\ngetattr(dataclasses, '_create_fn')",
        "def f(figure):\n    figure.canvas._key",
    ],
)
def test_the_scan_finds(text):
    assert found_in(text)
