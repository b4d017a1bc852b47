"""Help made from the models: the keys of an analysis, and the JSON Schema of the YAML."""

import inspect
import json
import re
from collections import Counter
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from reportgen.analyses.base import AnyAnalysis, installed_analyses
from reportgen.config.schema import (
    CatalogueSection,
    ImagesSection,
    NetworkSection,
    SectionBlock,
    Settings,
)

WIDTH = 80  # of a line of the documentation of an analysis
_ANNOTATIONS = ("title", "description", "default", "examples")  # of JSON Schema


def first_line(analysis: type[AnyAnalysis]) -> str:
    """Return the first line of an analysis's docstring."""
    return (inspect.getdoc(analysis) or "").partition("\n")[0]


def describe_analysis(analysis: type[AnyAnalysis]) -> str:
    """Document an analysis: what it shows, its own keys, and those that others have, too."""
    lines = [*_folded(f"{analysis.name}: {first_line(analysis)}", ""), "", "Keys:"]
    own, common = keys_of(analysis)
    schema = analysis.model_json_schema()
    for name in own:
        lines += _field(name, schema, indent="  ")
    lines += ["", "Keys of every section:"]
    for name in common:
        lines += _field(name, schema, indent="  ")
    return "\n".join(lines)


def keys_of(analysis: type[AnyAnalysis]) -> tuple[list[str], list[str]]:
    """Return an analysis's own keys, those that must be given first, and those others have, too."""
    blocks = (NetworkSection, ImagesSection, CatalogueSection, SectionBlock)
    sources = [CatalogueSection, *(block for block in blocks if issubclass(analysis, block))]
    shared = {name for block in sources for name in block.model_fields}
    fields = analysis.model_fields
    own = [name for name in fields if name not in shared]
    read = [name for name in fields if name in shared and name not in SectionBlock.model_fields]
    first = ["analysis", "title", *read]
    rest = [name for name in SectionBlock.model_fields if name not in first]
    return sorted(own, key=lambda name: not fields[name].is_required()), [*first, *rest]


def _folded(text: str, indent: str) -> list[str]:
    return wrap(" ".join(text.split()), WIDTH, initial_indent=indent, subsequent_indent=indent)


def _field(name: str, schema: Mapping[str, Any], indent: str) -> list[str]:
    kind, default, said = key_facts(name, schema, schema)
    lines = [f"{indent}{name} ({kind}; {default})", *_folded(said, f"{indent}    ")]
    for block in blocks_in(schema["properties"][name], schema).values():
        for key in block.get("properties", {}):
            kind, default, said = key_facts(key, block, schema)
            first, *more = _folded(f"{key} ({kind}; {default}): {said}", f"{indent}      ")
            lines += [first.replace("  ", "", 1), *more]
    return lines


def key_facts(
    name: str, block: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[str, str, str]:
    """Return what a key of a block takes, its default, and what it is for. schema: of the whole."""
    shape = block["properties"][name]
    said = " ".join(shape.get("description", "").split())
    return _kind(shape, schema), _default(name, block), said


def blocks_in(shape: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the blocks by name that a key may hold, itself or in a list, a mapping, a choice."""
    names = [reference.rsplit("/", 1)[1] for reference in _references(shape)]
    return {name: schema["$defs"][name] for name in names}


def _default(name: str, block: Mapping[str, Any]) -> str:
    shape = block["properties"][name]
    if name in block.get("required", []):
        return "required"
    return f"default {_value(shape['default'])}" if "default" in shape else "optional"


def _references(shape: Mapping[str, Any]) -> list[str]:
    found = [shape["$ref"]] if "$ref" in shape else []
    inside = [shape.get("items"), shape.get("additionalProperties"), *shape.get("anyOf", [])]
    inside += shape.get("patternProperties", {}).values()
    return found + [r for part in inside if isinstance(part, dict) for r in _references(part)]


def _value(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "one, with its defaults"
    if isinstance(value, dict):
        given = {key: part for key, part in value.items() if part is not None}
        if given.keys() == {"value", "unit"}:
            return f"{given['value']} {given['unit']}"
        inside = ", ".join(f"{key}: {part}" for key, part in given.items())
        return f"{{{inside}}}" if given else "none"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _kind(shape: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "anyOf" in shape:
        kinds = [_kind(part, schema) for part in shape["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if choices := shape.get("enum", [shape[key] for key in ("const",) if key in shape]):
        return " or ".join(map(_value, choices))
    if "$ref" in shape:
        return "keys and values"
    if parts := shape.get("prefixItems"):
        return f"list of {len(parts)}: {_kind({'anyOf': parts}, schema)}"
    if items := shape.get("items"):
        return f"list of {_kind(items, schema)}"
    names = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    names |= {"object": "keys and values", "array": "list"}
    kind = str(shape.get("type", "anything"))
    return names.get(kind, kind)


def configuration_schema(analyses: Mapping[str, type[AnyAnalysis]]) -> dict[str, Any]:
    """Return the JSON Schema of the YAML, with the keys of every analysis that is installed.

    A section is held against the keys of its analysis alone, so that one that is misspelt is named.
    """
    blocks: list[type[BaseModel]] = [Settings, *analyses.values()]
    found, shared = models_json_schema([(block, "validation") for block in blocks])
    definitions = shared["$defs"]
    schema = definitions.pop("Settings")
    cases = []
    for name, analysis in sorted(analyses.items()):
        reference = found[analysis, "validation"]
        own = definitions[reference["$ref"].rsplit("/", 1)[1]]
        own["properties"]["analysis"] = {"const": name, "description": first_line(analysis)}
        chosen = {"properties": {"analysis": {"const": name}}, "required": ["analysis"]}
        cases.append({"if": chosen, "then": reference})
    about = SectionBlock.model_json_schema()["properties"]["analysis"]["description"]
    section = {
        "type": "object",
        "properties": {"analysis": {"enum": sorted(analyses), "description": about}},
        "required": ["analysis"],
        "allOf": cases,
    }
    for named in schema["properties"].values():  # a name that is none is as wrong as its value
        if "patternProperties" in named:
            named["additionalProperties"] = False
    sections = schema["properties"]["sections"]
    sections["patternProperties"] = dict.fromkeys(sections["patternProperties"], section)
    sections["minProperties"] = 1
    schema["required"] = sorted({*schema.get("required", []), "sections"})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_with_public_names(
            _with_variables({**schema, "$defs": definitions, "title": "reportgen configuration"})
        ),
    }


def _with_public_names(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose definitions are called by their titles, without those it does not use.

    Editors show the names; those of classes mean nothing to whoever writes YAML.
    """
    reference = re.compile(r'(?<="#/\$defs/)\w+(?=")')
    text = json.dumps(schema)
    used = {name: schema["$defs"][name]["title"] for name in sorted(reference.findall(text))}
    titles = Counter(used.values())
    names = {name: name if titles[title] > 1 else title for name, title in used.items()}
    renamed: dict[str, Any] = json.loads(reference.sub(lambda found: names[found[0]], text))
    definitions = {names[name]: renamed["$defs"][name] for name in used}
    return {**renamed, "$defs": definitions}


def installed_schema() -> str:
    """Return the JSON Schema of the YAML, with the analyses that are installed, as a text."""
    schema = configuration_schema(installed_analyses().types)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _with_variables(shape: Any) -> Any:
    """Let numbers, booleans and choices also be texts that name variables of the environment."""
    if isinstance(shape, list):
        return [_with_variables(part) for part in shape]
    if not isinstance(shape, dict):
        return shape
    kinds = shape.get("type", "")
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if "enum" in shape or (kinds & {"integer", "number", "boolean"} and "string" not in kinds):
        said = {key: shape[key] for key in _ANNOTATIONS if key in shape}
        strict = {key: value for key, value in shape.items() if key not in said}
        return {**said, "anyOf": [strict, {"type": "string", "pattern": r"\$\{"}]}
    named = {  # whose keys are names of the user's or ours, not words of JSON Schema
        key: {name: _with_variables(part) for name, part in shape[key].items()}
        for key in ("properties", "$defs")
        if key in shape
    }
    kept = {*named, "propertyNames", "default", "examples"}
    return {
        key: value if key in kept else _with_variables(value) for key, value in shape.items()
    } | named
