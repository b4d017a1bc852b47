"""What the fields of models are for, by the docstrings below them.

They are read from the source when a JSON Schema is made, not when a model is: no build needs them.
"""

import ast
import inspect
from contextlib import suppress
from itertools import pairwise
from textwrap import dedent
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler


class Documented(BaseModel):
    """A model whose JSON Schema describes each field by the docstring below it."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the schema that pydantic makes, with descriptions."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        described = field_docstrings(cls)
        for name, field in cls.model_fields.items():
            if name in described and field.description is None:
                properties[field.alias or name]["description"] = described[name]
        return schema


def field_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstring below each field of a model, by name, those it inherits included.

    A class whose source cannot be read, as one of an interactive session, has none.
    """
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if issubclass(kind, Documented):
            with suppress(OSError, TypeError, SyntaxError):
                found |= _docstrings(inspect.getsource(kind))
    return found


def _docstrings(source: str) -> dict[str, str]:
    (of_class,) = ast.parse(dedent(source)).body
    found = {}
    for field, below in pairwise(of_class.body if isinstance(of_class, ast.ClassDef) else ()):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = inspect.cleandoc(text)
    return found
