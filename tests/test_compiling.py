"""Dataclasses are the same whether their methods are compiled at once or when they are called."""

import dataclasses
import pickle
import sys
from dataclasses import FrozenInstanceError, InitVar, dataclass, field, fields, replace
from threading import Barrier, Thread

import pytest

from reportgen.compiling import compile_later

makes_each = pytest.mark.skipif(
    not hasattr(dataclasses, "_create_fn"), reason="this Python makes all methods at once"
)


@pytest.fixture
def later(monkeypatch):
    """Compile later in this test, and count what is compiled."""
    compiled = []
    create = getattr(dataclasses, "_create_fn", None)
    if create is not None:

        def counting(name, *told, **more):
            compiled.append(name)
            return create(name, *told, **more)

        monkeypatch.setattr(dataclasses, "_create_fn", counting)
    compile_later()
    return compiled


def made_classes():
    """Give dataclasses of all kinds, made now."""

    @dataclass(frozen=True)
    class Plain:
        """One that is made of values."""

        name: str
        numbers: tuple[int, ...] = ()
        more: list[int] = field(default_factory=list, compare=False)

    @dataclass(frozen=True)
    class Derived(Plain):
        """One with a field more, and one that is given by name."""

        last: int = field(default=3, kw_only=True)

        def twice(self):
            return 2 * self.last

    @dataclass(order=True)
    class Ordered:
        """One that changes and has an order."""

        value: float
        factor: InitVar[float] = 1.0
        shown: str = field(default="", repr=False, init=False)

        def __post_init__(self, factor):
            self.value *= factor

    @dataclass(frozen=True, slots=True)
    class Slotted:
        """One without a dictionary."""

        value: int

    return Plain, Derived, Ordered, Slotted


def behaviour():
    """Say what such classes do."""
    plain, derived, ordered, slotted = made_classes()
    told = [
        plain("a"),
        plain("a", (1,), [2]),
        plain(name="a", more=[3]) == plain("a"),
        plain("a") == derived("a"),
        plain("a") != plain("b"),
        {plain("a"): 1, plain("a"): 2}.values(),
        derived("b", (2,), last=5).twice(),
        replace(derived("b", last=5), name="c"),
        sorted([ordered(2.0), ordered(1.0, 5.0), ordered(0.5)]),
        ordered(1.0) < ordered(2.0),
        slotted(1),
        slotted(1) == slotted(1),
        hash(slotted(1)) == hash(slotted(1)),
        [each.name for kind in (plain, derived, ordered, slotted) for each in fields(kind)],
        [kind.__match_args__ for kind in (plain, derived, ordered, slotted)],
        [kind.__init__.__qualname__ for kind in (plain, derived, ordered, slotted)],
    ]
    for wrong in (
        plain,
        lambda: plain("a", 1, 2, 3),
        lambda: derived("a", wrong=1),
        lambda: setattr(plain("a"), "name", "b"),
        lambda: delattr(derived("a"), "name"),
        lambda: setattr(slotted(1), "value", 2),
        lambda: hash(ordered(1.0)),
        lambda: ordered(1.0) < 1,
    ):
        with pytest.raises((TypeError, FrozenInstanceError)) as raised:
            wrong()
        told.append((raised.type, str(raised.value)))
    return repr(told)


def test_dataclasses_are_what_they_are_otherwise(request):
    at_once = behaviour()
    assert request.getfixturevalue("later") == []
    assert behaviour() == at_once


@makes_each
def test_a_method_is_compiled_once_it_is_called_and_is_then_an_ordinary_one(later):
    plain, derived, _, _ = made_classes()
    assert later == []
    one = plain("a")
    assert later == ["__init__"]
    assert plain.__init__.__code__.co_varnames[1:] == ("name", "numbers", "more")
    assert derived("a").name == one.name
    assert plain("b") != one
    assert plain("b") != one
    assert later == ["__init__", "__init__", "__eq__"]


@dataclass(frozen=True)
class Sent:
    """What another process is sent."""

    value: int


def test_what_was_compiled_later_can_be_sent_to_other_processes(later, monkeypatch):
    @dataclass(frozen=True)
    class Sent:
        """The same, made anew."""

        value: int

    Sent.__qualname__ = "Sent"
    monkeypatch.setattr(sys.modules[__name__], "Sent", Sent)
    assert pickle.loads(pickle.dumps(Sent(3))) == Sent(3)  # noqa: S301 - our own


@makes_each
def test_threads_may_call_a_method_first_at_the_same_time(later):
    for _ in range(50):
        (plain, *_), found, together = made_classes(), [], Barrier(4)

        def make(plain=plain, found=found, together=together):
            together.wait()
            found.append(plain("a", (1, 2)))

        threads = [Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [plain("a", (1, 2))] * 4


@makes_each
def test_to_ask_for_it_twice_is_to_ask_for_it_once(later):
    before = dataclasses._create_fn
    compile_later()
    assert dataclasses._create_fn is before


def test_a_python_that_makes_methods_otherwise_is_left_alone(monkeypatch):
    monkeypatch.delattr(dataclasses, "_create_fn", raising=False)
    compile_later()
    assert not hasattr(dataclasses, "_create_fn")
