from typing import ClassVar

from reportgen.analyses.base import Analysis
from reportgen.analyses.sky_density import SkyDensity
from reportgen.preloading import wanted_modules
from reportgen.server import for_analyses


class Plain(Analysis, name="plain_of_test"):
    pass


class More(Plain, name="more_of_test"):
    imports: ClassVar = ("this", "antigravity")


def test_what_analyses_and_those_made_from_them_import_is_wanted_once():
    assert wanted_modules([Plain, More]) == ["this", "antigravity"]
    assert set(SkyDensity.imports) <= set(wanted_modules([Analysis]))


def test_the_server_is_told_of_our_own_analyses_alone():
    modules = for_analyses(["sky_density", "../plugin"])
    assert modules == ("reportgen.analyses.sky_density",)
