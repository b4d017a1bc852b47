"""The layers of a Keras ``Model`` in the order in which they follow one another."""

from collections.abc import Iterator, Sequence
from typing import Any

from reportgen.errors import SourceError

ONE_CHAIN = "only models whose layers follow one another are read"


def follow(items: Sequence[dict[str, Any]], place: str) -> list[int]:
    """Return the places of the layers in a graph's list, in the order of its one chain.

    items: as ``get_config`` wrote them, with ``inbound_nodes``. SourceError names the layer where
    the graph branches.
    """
    places = {str(item.get("name")): number for number, item in enumerate(items)}
    if len(places) < len(items):
        raise SourceError(f"{place}: several layers have one name, or none", "name each layer")
    after: dict[str, str] = {}
    starts: list[str] = []
    for name, item in zip(places, items, strict=True):
        nodes = item.get("inbound_nodes")
        nodes = nodes if isinstance(nodes, list) else []
        if len(nodes) > 1:
            raise SourceError(f"{place}: layer {name} is used {len(nodes)} times", ONE_CHAIN)
        before = list(dict.fromkeys(_tensors(nodes)))
        if len(before) > 1:
            joined = " and ".join(before)
            raise SourceError(f"{place}: layer {name} joins what {joined} give", ONE_CHAIN)
        if not before:
            starts.append(name)
        elif before[0] in after:
            both = f"{after[before[0]]} and {name}"
            raise SourceError(f"{place}: layer {before[0]} goes into both {both}", ONE_CHAIN)
        else:
            after[before[0]] = name
    if len(starts) != 1:
        named = ", ".join(starts) or "none"
        raise SourceError(f"{place}: the model has not one input, but {named}", ONE_CHAIN)
    chain = starts
    while chain[-1] in after and len(chain) < len(items):
        chain.append(after[chain[-1]])
    if left := [name for name in places if name not in chain]:
        raise SourceError(f"{place}: layer {left[0]} does not follow from the input", ONE_CHAIN)
    return [places[name] for name in chain]


def _tensors(node: object) -> Iterator[str]:
    """Yield the names of the layers whose results a node takes, which may also be an argument."""
    if isinstance(node, dict):
        for each in node.values():
            yield from _tensors(each)
    elif isinstance(node, list):
        match node:
            case [str(name), int(), int(), *rest]:
                yield name
                yield from _tensors(rest)
            case _:
                for each in node:
                    yield from _tensors(each)
