"""Dataclasses whose methods are compiled when they are first called.

Python writes and compiles some six methods of each while modules are imported, most of which nobody
calls: an eighth of the time of a build of which nothing has changed.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

Method = Callable[..., Any]


def compile_later() -> None:
    """From now on, have this process compile methods of dataclasses when they are first called.

    For processes of ours only. Versions of Python that make them otherwise, as from 3.13 on, are
    left alone.
    """
    module: Any = dataclasses
    create = getattr(module, "_create_fn", None)
    if create is not None and not isinstance(create, _Later):
        module._create_fn = _Later(create)


class _Later:
    """Stands in for what writes and compiles a method. create: does so."""

    def __init__(self, create: Callable[..., Method]) -> None:
        self._create = create

    def __call__(self, name: str, *told: Any, **more: Any) -> Method:
        """Give a method that compiles the real one, and has it in its place from then on."""
        made: list[Method] = []  # by several threads at once, perhaps, each as good as the other

        def method(*arguments: Any, **named: Any) -> Any:
            if not made:
                real = self._create(name, *told, **more)
                real.__qualname__ = method.__qualname__
                made.append(real)
                for kind in type(arguments[0]).__mro__:
                    if kind.__dict__.get(name) is method:
                        setattr(kind, name, real)
            return made[0](*arguments, **named)

        method.__name__ = name
        return method
