"""Templates within the YAML: the subject of a mail, links, and the prose of sections.

They come from a configuration, or with a run folder from anywhere, and are filled in the process
that reads them. So they are written in a part of Jinja2 that always ends, soon and in little
memory: no calls, no variables, no ``**``; what a filter gives and what a loop runs over is limited.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, wraps
from time import monotonic
from typing import TYPE_CHECKING, Any

from reportgen.config.problems import shortened
from reportgen.config.suggest import unknown

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.runtime import Context
    from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST = 10_000  # characters of a template, and characters or items that a part of it may give
MOST_INSERTED = 100  # characters that join and replace put in at each place
DEEPEST = 40  # levels of its syntax tree
SECONDS = 2.0  # that filling it in may take; it takes a thousandth

_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "format"),
    *("int", "join", "last", "length", "list", "lower", "map", "max", "min", "reject"),
    *("rejectattr", "replace", "reverse", "round", "select", "selectattr", "sort", "string"),
    *("sum", "title", "trim", "truncate", "unique", "upper", "urlencode", "wordcount"),
)
_NODES = (
    *("Template", "Output", "TemplateData", "Const", "Name", "Getattr", "Getitem", "Slice"),
    *("Filter", "Keyword", "Test", "If", "CondExpr", "For", "List", "Tuple", "Concat"),
    *("Compare", "Operand", "And", "Or", "Not", "Neg", "Pos"),
    *("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod"),
)
_WIDE = re.compile(r"%(\([^)]*\))?[#0 +-]*(\d{3,}|\*|\d*\.(\d{3,}|\*))")
_REFUSED = {
    "Pow": "**",
    "Call": "call such as range(9)",
    "Assign": "{% set %}",
    "AssignBlock": "{% set %}",
    "Macro": "{% macro %}",
    "CallBlock": "{% call %}",
    "FilterBlock": "{% filter %}",
    "Dict": "{ } for keys and values",
    **dict.fromkeys(("Import", "FromImport"), "{% import %}"),
}

Names = Mapping[str, Iterable[str]]
"""What a template may use: names, with the attributes of each; none listed if any will do."""


class TemplateError(ValueError):
    """A template asks for what there is not, or for more time or text than it may have."""


def check_template(text: str, names: Names) -> str:
    """Return a template that can be filled in. Raises ValueError saying what is wrong with it.

    What depends on the values is found when it is filled in only.
    """
    if "{" in text:
        from jinja2 import ChainableUndefined, nodes

        tree = _parsed(text, names)
        try:
            _fill(tree, {}, ChainableUndefined)
        except TemplateError:
            raise
        except Exception:  # without its values it may fail in any way, but for what needs none
            for output in list(tree.find_all(nodes.Output)):
                fixed = [each for each in output.nodes if not _names_a_value(each)]
                try:
                    _filled(nodes.Template([nodes.Output(fixed, lineno=1)], lineno=1), {})
                except ValueError as error:
                    raise ValueError(f"the template cannot be filled in: {error}") from None
    return text


def _names_a_value(node: "nodes.Node") -> bool:
    from jinja2 import nodes

    return isinstance(node, nodes.Name) or node.find(nodes.Name) is not None


def fill_template(text: str, values: Mapping[str, object]) -> str:
    """Return a template filled in. Raises ValueError saying what is wrong."""
    return _filled(_parsed(text, dict.fromkeys(values, ())), values) if "{" in text else text


def _filled(tree: "nodes.Template", values: Mapping[str, object]) -> str:
    import jinja2

    try:
        return _fill(tree, values, jinja2.StrictUndefined)
    except (jinja2.TemplateError, TemplateError) as error:
        raise ValueError(str(error)) from None
    except Exception as error:  # whatever an expression raises
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ValueError(said) from None


def _parsed(text: str, names: Names) -> "nodes.Template":
    """Return the tree of a template of which nothing is worked out yet. Raises ValueError."""
    from jinja2 import TemplateSyntaxError, nodes

    if len(text) > MOST:
        raise ValueError(f"a template has at most {MOST} characters")
    environment = _environments()()
    try:
        tree = environment.parse(text)
    except TemplateSyntaxError as error:
        raise ValueError(f"the template cannot be read: {error.message}") from None
    except RecursionError:
        raise ValueError("the template is nested too deeply") from None
    _check_nodes(tree, 0)
    own = {each.name for each in tree.find_all(nodes.Name) if each.ctx != "load"}
    own |= {"loop"} if own else set()
    for each in tree.find_all((nodes.Name, nodes.Getattr, nodes.Filter, nodes.Test)):
        match each:
            case nodes.Name(name=name) if name not in own and name not in names:
                raise ValueError(unknown("name", name, names))
            case nodes.Getattr(node=nodes.Name(name=name), attr=attribute) if name not in own:
                known = set(names.get(name, ()))
                if known and attribute not in known:
                    raise ValueError(unknown("name", f"{name}.{attribute}", _of(name, known)))
            case nodes.Filter(name=name) if name not in environment.filters:
                raise ValueError(unknown("filter", str(name), environment.filters))
            case nodes.Test(name=name) if name not in environment.tests:
                raise ValueError(unknown("test", name, environment.tests))
    for loop in list(tree.find_all(nodes.For)):
        loop.iter = nodes.Filter(loop.iter, _LOOP, [], [], None, None, lineno=loop.lineno)
    return tree


def _of(name: str, attributes: Iterable[str]) -> list[str]:
    return [f"{name}.{attribute}" for attribute in attributes]


def _check_nodes(node: "nodes.Node", depth: int) -> None:
    kind = type(node).__name__
    if depth > DEEPEST:
        raise ValueError("the template is nested too deeply")
    if kind not in _NODES:
        said = _REFUSED.get(kind, f"{{% {kind.lower()} %}}")
        raise ValueError(f"a template within the YAML can have no {said}")
    for inner in node.iter_child_nodes():
        _check_nodes(inner, depth + 1)


def _fill(tree: "nodes.Template", values: Mapping[str, object], undefined: Any) -> str:
    parts: list[str] = []
    length = 0
    for part in _environments()(undefined=undefined).from_string(tree).generate(values):
        parts.append(part)
        length += len(part)
        if length > MOST:
            raise TemplateError(f"the template gives more than {MOST} characters")
    return "".join(parts)


_LOOP = "items_of_loop"  # the filter that each loop's items pass


@cache
def _environments() -> "type[ImmutableSandboxedEnvironment]":
    """Return the kind of environment that fills in one template, once."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Bounded(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%"))

        def __init__(self, **options: Any) -> None:
            super().__init__(autoescape=False, **options)
            self.ends = monotonic() + SECONDS
            self.globals.clear()
            found = {name: self._limited(name, self.filters[name]) for name in _FILTERS}
            self.filters = {**found, _LOOP: self._items}

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            return super().is_safe_attribute(obj, attr, value) and not callable(value)

        def call_binop(self, context: "Context", operator: str, left: Any, right: Any) -> Any:
            texts = [each for each in (left, right) if isinstance(each, str | list | tuple)]
            if texts and operator == "%":
                raise TemplateError("% works on numbers; write '%.1f' | format(number)")
            if texts and operator == "*":
                times = next((each for each in (left, right) if isinstance(each, int)), 1)
                if len(texts[0]) * times > MOST:
                    raise TemplateError(f"* gives more than {MOST} characters")
            return super().call_binop(context, operator, left, right)

        def _limited(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
            """Return a filter that keeps to what a template may have."""
            refuse = _ARGUMENTS.get(name)

            @wraps(work)
            def limited(*arguments: Any, **named: Any) -> Any:
                self._check_time()
                if refuse is not None and (wrong := refuse([*arguments, *named.values()])):
                    raise TemplateError(f"{name}: {wrong}")
                value = work(*arguments, **named)
                if hasattr(value, "__len__") and len(value) > MOST:
                    raise TemplateError(f"{name} gives more than {MOST} characters")
                return value

            return limited

        def _items(self, items: Iterable[object]) -> Iterator[object]:
            for item in items:
                self._check_time()
                yield item

        def _check_time(self) -> None:
            if monotonic() > self.ends:
                raise TemplateError(f"filling it in takes more than {SECONDS:g} s")

    return Bounded


def _long_text(arguments: list[Any]) -> str:
    """Say what is wrong with texts that are put in many times; the first is what they go into."""
    texts = [each for each in arguments[2:] if isinstance(each, str)]
    long = any(len(each) > MOST_INSERTED for each in texts)
    return f"puts in at most {MOST_INSERTED} characters" if long else ""


def _wide_format(arguments: list[Any]) -> str:
    found = _WIDE.search(str(arguments[0]))
    return f"{shortened(found[0])!r} asks for too many characters" if found else ""


def _precision(arguments: list[Any]) -> str:
    wrong = any(isinstance(each, int) and abs(each) > 99 for each in arguments[1:])
    return "its precision is from -99 to 99" if wrong else ""


_ARGUMENTS = {
    "join": _long_text,
    "replace": _long_text,
    "format": _wide_format,
    "round": _precision,
}
"""What is wrong with the arguments of a filter that could ask for much."""
