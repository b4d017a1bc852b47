import importlib
import sys

import pytest

from reportgen.later import importing_later, importing_without

USER = """
import heavy.inner
from heavy import part
from heavy.other import double

def use():
    return part.Thing(3).value, double(4)
"""


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A package that counts what is imported of it, and a module that uses it."""
    (tmp_path / "heavy").mkdir()
    for name, text in (
        ("__init__", "imported = []"),
        ("inner", "from heavy import imported; imported.append('inner')"),
        (
            "part",
            "from heavy import imported; imported.append('part')\n"
            "class Thing:\n    def __init__(self, value): self.value = value",
        ),
        (
            "other",
            "from heavy import imported; imported.append('other')\ndef double(x): return 2 * x",
        ),
    ):
        (tmp_path / "heavy" / f"{name}.py").write_text(text)
    (tmp_path / "uses_heavy.py").write_text(USER)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.usefixtures("modules")
def test_modules_are_imported_when_something_of_them_is_called():
    with importing_later("heavy.part", "heavy.other"):
        user = importlib.import_module("uses_heavy")
    heavy = importlib.import_module("heavy")
    assert heavy.imported == ["inner"]
    assert user.use() == (3, 8)
    assert sorted(heavy.imported) == ["inner", "other", "part"]
    assert user.use() == (3, 8)
    assert len(heavy.imported) == 3


@pytest.mark.usefixtures("modules")
def test_others_have_the_modules_themselves_afterwards():
    with importing_later("heavy.part"):
        importlib.import_module("uses_heavy")
    part = importlib.import_module("heavy.part")
    assert isinstance(part.Thing, type)
    assert importlib.import_module("heavy").imported == ["inner", "other", "part"]


@pytest.mark.usefixtures("modules")
def test_something_may_be_called_while_others_are_still_imported_later():
    with importing_later("heavy.part", "heavy.other"):
        assert importlib.import_module("uses_heavy").use() == (3, 8)


@pytest.mark.usefixtures("modules")
def test_a_module_that_is_there_already_is_left_alone():
    part = importlib.import_module("heavy.part")
    with importing_later("heavy.part"):
        assert importlib.import_module("heavy.part") is part


@pytest.mark.usefixtures("modules")
def test_a_module_that_is_not_there_is_missed_when_it_is_needed():
    with importing_later("heavy.missing"):
        missing = importlib.import_module("heavy.missing")
    with pytest.raises(ModuleNotFoundError, match=r"heavy\.missing"):
        missing.something()


@pytest.mark.usefixtures("modules")
def test_an_error_inside_leaves_nothing_standing():
    def fail():
        with importing_later("heavy.part"):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert "heavy.part" not in sys.modules


@pytest.mark.usefixtures("modules")
def test_what_is_not_needed_is_missed_by_those_that_are_imported_inside_and_there_afterwards():
    with importing_without("heavy.part"), pytest.raises(ImportError):
        importlib.import_module("uses_heavy")
    assert importlib.import_module("heavy.part").Thing(3).value == 3


@pytest.mark.usefixtures("modules")
def test_what_has_been_imported_is_not_hidden():
    part = importlib.import_module("heavy.part")
    with importing_without("heavy.part"):
        assert importlib.import_module("heavy.part") is part
    assert sys.modules["heavy.part"] is part
