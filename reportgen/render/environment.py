"""The Jinja2 templates that come with reportgen, and a user's own in front of them."""

from base64 import b64encode
from contextlib import suppress
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from reportgen.wording import clip

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Environment

OUR_LANGUAGE = "en"
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
    if own:
        from reportgen.render.own_templates import require_folder, run_own

        require_folder(own)
        names = sorted(path.name for path in templates_folder().iterdir())
        run_own(own, [name for name in names if Path(own, name).exists()], _environment)


def render_page(name: str, own: str, **context: Any) -> str:
    """Return the page that a template makes; what is filled in is escaped, but not in a .txt.j2.

    own: folder of a user's templates, each in place of the one of its name; empty for none. They
    are filled in by a worker process, which is sent the context unless it is this one.
    Raises ConfigError that names template and line when a user's template is at fault.
    """
    if own:
        from reportgen.render.own_templates import require_folder, run_own

        require_folder(own)
        return run_own(own, [name], _environment, context)
    return str(_our_environment().get_template(name).render(**context))


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


def csp_hash(script: str) -> str:
    """Return what a Content-Security-Policy calls a script that a page holds."""
    return f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}"


def in_language(text: str, language: str) -> str:
    """Return a text of an author, marked where its language is not that of our own words."""
    if language.partition("-")[0].lower() == OUR_LANGUAGE:
        return text
    return Markup('<span lang="{}">{}</span>').format(language, text)


@cache
def _our_environment() -> "Environment":
    environment = _environment("")
    environment.bytecode_cache = _compiled_templates()
    return environment


def _environment(own: str) -> "Environment":
    """Return the environment of our templates, with those of a user's folder in front of them."""
    from jinja2 import (
        BaseLoader,
        ChoiceLoader,
        Environment,
        FileSystemLoader,
        FunctionLoader,
        StrictUndefined,
        select_autoescape,
    )

    kind: type[Environment] = Environment
    loader: BaseLoader = FileSystemLoader(templates_folder())
    if own:
        from reportgen.render.own_templates import GuardedEnvironment, own_template

        kind = GuardedEnvironment
        loader = ChoiceLoader([FunctionLoader(partial(own_template, own)), loader])
    environment = kind(
        loader=loader,
        autoescape=select_autoescape(disabled_extensions=("txt.j2",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clip=clip, fold=fold, csp_hash=csp_hash, in_language=in_language)
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
