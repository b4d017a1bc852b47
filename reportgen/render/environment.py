"""The Jinja2 templates that come with reportgen, and a user's own in front of them."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from reportgen.errors import ConfigError
from reportgen.wording import clip

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Environment

TEXT_WIDTH = 72  # columns; what a mail in plain text is read at


def templates_folder() -> Path:
    """Return the folder of the templates: in the wheel inside the package, in a clone beside it."""
    package = Path(str(files("reportgen")))
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


def check_templates(own: str) -> None:
    """Check that the templates of a user's folder can be read; empty for no folder.

    Raises ConfigError that names the template and the line of the first that cannot.
    """
    environment = _environment(own)
    for path in sorted(Path(own).rglob("*")) if own else ():
        name = path.relative_to(own).as_posix()
        if path.is_file() and (templates_folder() / name).is_file():
            with _blaming(own):
                environment.get_template(name)


def render_page(name: str, own: str, **context: Any) -> str:
    """Return the page that a template makes; what is filled in is escaped, but not in a .txt.j2.

    own: folder of a user's templates, each in place of the one of its name; empty for none.
    Raises ConfigError that names template and line when a user's template is at fault.
    """
    with _blaming(own):
        return str(_environment(own).get_template(name).render(**context))


def fold(text: str, indent: str = "") -> str:
    """Return a text in lines that fit a terminal; each but the first is indented."""
    lines: list[str] = []
    for line in text.splitlines() or [""]:
        lines += wrap(
            line,
            TEXT_WIDTH,
            initial_indent="" if not lines else indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(lines)


def _environment(own: str) -> "Environment":
    # A user may change templates at any time; ours are read once for all pages and mails.
    return _with_templates_of(own) if own else _with_our_templates()


@cache
def _with_our_templates() -> "Environment":
    return _with_templates_of("")


def _with_templates_of(own: str) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    if own and not Path(own).is_dir():
        raise ConfigError(
            f"output.templates: there is no folder {own}", "create it, or leave the key out"
        )
    folders = [Path(own), templates_folder()] if own else [templates_folder()]
    kind = _guarded_environment() if own else Environment
    environment = kind(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(disabled_extensions=("txt.j2",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clip=clip, fold=fold)
    if not own:
        environment.bytecode_cache = _compiled_templates()
    return environment


@cache
def _compiled_templates() -> "BytecodeCache | None":
    """Return where Jinja keeps our templates compiled, which takes longer than to fill them in.

    It is a folder of temporary files that is the user's alone; None where Jinja has none that is.
    """
    from jinja2 import FileSystemBytecodeCache
    from jinja2.bccache import Bucket

    class OptionalCache(FileSystemBytecodeCache):
        """What a full disk refuses costs time, never a page."""

        def load_bytecode(self, bucket: Bucket) -> None:
            with suppress(OSError):
                super().load_bytecode(bucket)

        def dump_bytecode(self, bucket: Bucket) -> None:
            with suppress(OSError):
                super().dump_bytecode(bucket)

    try:
        return OptionalCache()
    except (OSError, RuntimeError):
        return None


@cache
def _guarded_environment() -> "type[Environment]":
    """Return the kind of environment for templates of a user: a run folder may bring some along.

    They see what ours see, but call nothing of Python's that could do more than show it.
    """
    from jinja2.sandbox import SandboxedEnvironment
    from pydantic import BaseModel

    class Guarded(SandboxedEnvironment):
        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            kind = obj if isinstance(obj, type) else type(obj)
            if issubclass(kind, BaseModel):  # its methods read files, and even pickles
                is_field = attr in kind.model_fields
                return is_field or isinstance(getattr(kind, attr, None), property)
            return super().is_safe_attribute(obj, attr, value)

    return Guarded


@contextmanager
def _blaming(own: str) -> Iterator[None]:
    """Turn what a user's template does wrong into a ConfigError."""
    try:
        yield
    except Exception as error:
        raise _blamed(error, own) or error from None


def _blamed(error: Exception, own: str) -> ConfigError | None:
    """Return the error of a user's template; None when ours are at fault."""
    from jinja2 import TemplateSyntaxError

    if not own:
        return None
    if isinstance(error, TemplateSyntaxError):
        places = [(error.filename or error.name or "", error.lineno)]
    else:
        places = [(f.filename, f.lineno or 0) for f in traceback.extract_tb(error.__traceback__)]
    inside = [place for place in places if Path(place[0]).is_relative_to(own)]
    if not inside:
        return None
    file, line = inside[-1]
    said = str(error).partition("\n")[0]
    return ConfigError(
        f"output.templates: {file}:{line}: {type(error).__name__}: {said}",
        "mend the template, or remove it to use the one of reportgen",
    )
