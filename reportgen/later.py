"""Modules that others import for what is not done here: that can wait, or be left out."""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands in for a module; its functions and classes import it when they are called."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):  # what the import system asks
            raise AttributeError(name)

        def call(*arguments: Any, **named: Any) -> Any:
            _forget(self)
            return getattr(importlib.import_module(self.__name__), name)(*arguments, **named)

        return call


def _forget(standing: ModuleType) -> None:
    """Let whoever imports the name have the module itself."""
    if sys.modules.get(standing.__name__) is standing:
        del sys.modules[standing.__name__]


@contextmanager
def importing_later(*names: str) -> Iterator[None]:
    """Inside, modules of these names are not imported until something of them is called.

    Only for modules of which others take functions and classes to call. Those that have been
    imported already are left alone.
    """
    standing = [_Later(name) for name in names if name not in sys.modules]
    sys.modules.update((module.__name__, module) for module in standing)
    try:
        yield
    finally:
        for module in standing:
            _forget(module)


@contextmanager
def importing_without(*names: str) -> Iterator[None]:
    """Inside, there are no modules of these names, but for those that have been imported already.

    Only for what others import if it is there, and do not need.
    """
    hidden = [name for name in names if name not in sys.modules]
    # As Python has it: the import of a name with None there fails as if there were no such module.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
