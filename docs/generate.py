"""Pages of the reference, made of the code: keys of the YAML, analyses, commands.

Figures come from the runs that `make docs` built, examples from their configurations.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml

import reportgen
from reportgen.analyses.base import AnyAnalysis, installed_analyses
from reportgen.cli import cli
from reportgen.cli.common import GROUPS
from reportgen.cli.reference import blocks_in, first_line, key_facts, keys_of
from reportgen.config.schema import Settings

ROOT = Path(__file__).parents[1]
CONFIGS = ["configs/cdfs", "docs/gallery", "configs/nightly", "configs/small", "configs/fields"]
NOT_IN_THEM = {  # blocks that need another run, or a cluster
    "references": "references:\n  paper: 20261123T020000Z          # a run of this report\n"
    "  release: ../release/build/latest  # or a run folder",
    "engine": "engine: {dask: {scheduler: tcp://head.example.org:8786, timeout: 60}}",
}
RUNS = ["build/cdfs/latest", "build/docs/gallery/latest"]
Shape = Mapping[str, Any]


def write_reference(docs: Path) -> None:
    """Write docs/reference anew."""
    folder = docs / "reference"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "analyses").mkdir(parents=True)
    (folder / "keys.md").write_text(_keys_page(), encoding="utf-8")
    (folder / "api.md").write_text(_api_page(), encoding="utf-8")
    (folder / "commands.md").write_text(_commands_page(), encoding="utf-8")
    examples = dict(_sections())
    lines = ["# Analyses", "", "| analysis | shows |", "|---|---|"]
    for name, analysis in sorted(installed_analyses().types.items()):
        page = folder / "analyses" / f"{name}.md"
        page.write_text(_analysis_page(analysis, examples.get(name), page), encoding="utf-8")
        lines.append(f"| [{name}](analyses/{name}.md) | {first_line(analysis)} |")
    lines += ["", "```{toctree}", ":hidden:", ":glob:", "", "analyses/*", "```", ""]
    (folder / "analyses.md").write_text("\n".join(lines), encoding="utf-8")


def _configurations() -> Iterator[tuple[str, yaml.MappingNode]]:
    """Yield the text and the tree of our configurations, the best examples first."""
    for name in CONFIGS:
        text = (ROOT / f"{name}.yaml").read_text(encoding="utf-8")
        yield text, yaml.compose(text, Loader=yaml.SafeLoader)


def _text_of(text: str, key: yaml.Node, value: yaml.Node) -> str:
    """Return the lines of a key with its value, as they are written."""
    end = value.end_mark
    lines = text.splitlines()[key.start_mark.line : end.line + 1]
    if end.line < text.count("\n") and not lines[-1][: end.column].strip():
        lines.pop()  # of what comes next
    return "\n".join(line[key.start_mark.column :] for line in lines).rstrip()


def _sections() -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield analyses with an example each: the id of a section, and its YAML. The best one last."""
    for text, tree in reversed(list(_configurations())):
        for key, value in tree.value:
            if key.value != "sections":
                continue
            for name, section in value.value:
                keys = {each.value: what.value for each, what in section.value}
                yield keys["analysis"], (name.value, _text_of(text, name, section))


def _block_examples() -> dict[str, str]:
    """Return an example of each block at the top of a configuration."""
    found = dict(NOT_IN_THEM)
    for text, tree in reversed(list(_configurations())):
        for key, value in tree.value:
            if key.value != "sections":
                found[key.value] = _text_of(text, key, value)
    return found


def _table(block: Shape, schema: Shape, names: list[str] | None = None) -> Iterator[str]:
    yield from ("| key | takes | default | |", "|---|---|---|---|")
    for name in names or block["properties"]:
        kind, default, said = key_facts(name, block, schema)
        cells = (f"`{name}`", kind, default.removeprefix("default "), said)
        yield "| " + " | ".join(_escaped(cell) for cell in cells) + " |"
    yield ""


def _escaped(text: str) -> str:
    """Return a text for a cell of a table in Markdown: what is between backticks stays."""
    parts = text.split("`")
    for place in range(0, len(parts), 2):
        for sign in "\\*_[]<>{}":
            parts[place] = parts[place].replace(sign, f"\\{sign}")
    return "`".join(parts).replace("|", "\\|")


def _blocks(path: str, shape: Shape, schema: Shape, seen: set[str]) -> Iterator[str]:
    """Yield a table for each block below a key, those within them after it."""
    for name, block in blocks_in(shape, schema).items():
        if name in seen or "properties" not in block:
            continue
        seen.add(name)
        yield from (f"### `{path}`", "", _escaped(block.get("description", "")), "")
        yield from _table(block, schema)
        for key, inner in block["properties"].items():
            yield from _blocks(f"{path}.{key}", inner, schema, seen)


def _keys_page() -> str:
    schema = Settings.model_json_schema()
    schema["required"] = [*schema["required"], "sections"]
    examples = _block_examples()
    seen: set[str] = set()
    lines = ["# Keys of the YAML", ""]
    lines += ["Those of sections are with [the analyses](analyses.md).", ""]
    lines += _table(schema, schema)
    for key, shape in schema["properties"].items():
        if key == "sections":
            continue
        lines += [f"## {key}", "", _escaped(shape.get("description", "")), ""]
        if key in examples:
            lines += ["```yaml", examples[key], "```", ""]
        lines += _blocks(key, shape, schema, seen)
    return "\n".join(lines)


def _analysis_page(analysis: type[AnyAnalysis], example: tuple[str, str] | None, page: Path) -> str:
    schema = analysis.model_json_schema()
    own, common = keys_of(analysis)
    said = [line.strip() for line in (analysis.__doc__ or "").strip().splitlines()]
    lines = [f"# {analysis.name}", "", *said, ""]
    if example is not None:
        lines += ["```yaml", "sections:", *(f"  {line}" for line in example[1].splitlines()), "```"]
        lines += ["", *_figure(example[0], analysis.name, page)]
    seen: set[str] = set()
    for title, names in (("Its own keys", own), ("Keys of every section", common)):
        if not names:
            continue
        lines += [f"## {title}", "", *_table(schema, schema, names)]
        for name in names:
            lines += _blocks(name, schema["properties"][name], schema, seen)
    return "\n".join(lines)


def _figure(section: str, analysis: str, page: Path) -> Iterator[str]:
    """Yield the first figure of a section that was built, and what the section says."""
    for folder in (ROOT / run for run in RUNS):
        run = reportgen.load(folder)
        record = run.sections.get(section)
        if record is None or record.analysis != analysis:
            continue
        if record.figures:
            figure = run.figure(section, record.figures[0].id)
            # Not the SVG: as an image it cannot use the fonts of reports.
            shutil.copy(figure.files["png"], page.with_suffix(".png"))
            yield from (f":::{{figure}} {analysis}.png", f":alt: {figure.record.alt}", "")
            yield from (figure.record.caption, ":::", "")
        yield "In the report it says:"
        for finding in record.findings:
            yield from ("", f"> {_escaped(finding)}")
        yield ""


def _commands_page() -> str:
    lines = ["# Commands", "", "```text", _help(cli, "reportgen"), "```", ""]
    for title, names in GROUPS.items():
        lines += [f"## {title}", ""]
        for name in names:
            command = cli.commands[name]
            lines += [f"### reportgen {name}", "", "```text", _help(command, f"reportgen {name}")]
            for below, each in getattr(command, "commands", {}).items():
                lines += ["", _help(each, f"reportgen {name} {below}")]
            lines += ["```", ""]
    return "\n".join(lines)


def _help(command: click.Command, name: str) -> str:
    return command.get_help(click.Context(command, info_name=name, terminal_width=80))


def _api_page() -> str:
    names = sorted(name for name in reportgen.__all__ if name not in {"load", "build", "Run"})
    said = "[Reports in Python](../python.md) and [An analysis of your own](../plugins.md)"
    lines = ["# Python API", "", f"{said} show its use.", "", "## Runs", "", "```{eval-rst}"]
    lines += [".. autofunction:: reportgen.load", ".. autofunction:: reportgen.build"]
    lines += [".. autoclass:: reportgen.Run", "   :members:", "```", "", "## For analyses", ""]
    for name in names:
        value = getattr(reportgen, name)
        said = (value.__doc__ or "").strip().partition("\n\n")[0] if callable(value) else ""
        lines += [f"`{name}`", f": {_escaped(' '.join(said.split())) or 'A type of keys.'}", ""]
    return "\n".join(lines)
