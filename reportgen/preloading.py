"""Imported by the server of what draws: what the analyses that it has imported ask for.

What cannot be imported must not end it.
"""

from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module

from reportgen.analyses.base import AnyAnalysis
from reportgen.undocumented import artists_undocumented


def wanted_modules(kinds: Iterable[type[AnyAnalysis]]) -> list[str]:
    """Give the modules that sections of some analyses import, and of all made from these."""
    found: dict[str, None] = {}
    for kind in kinds:
        found |= dict.fromkeys((*kind.imports, *wanted_modules(kind.__subclasses__())))
    return list(found)


for name in wanted_modules([AnyAnalysis]):
    with suppress(Exception), artists_undocumented():  # the section will say errors better
        import_module(name)
