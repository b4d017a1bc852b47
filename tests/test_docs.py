"""The documentation: every snippet of every page is run, or checked as far as it can be here."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib

import pytest
import yaml
from jsonschema import Draft202012Validator
from projects import ROOT, call, read_summary

from reportgen.analyses.base import installed_analyses
from reportgen.cli import cli
from reportgen.cli.reference import configuration_schema
from reportgen.config.schema import SectionBlock, Settings

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
# Pages whose Python is run: by test_readme.py, test_plugins.py and test_api.py.
RUN_ELSEWHERE = {"README.md", "CONTRIBUTING.md", "plugins.md", "python.md"}
CONFIGS_OF_THE_SITE = ["configs/cdfs.yaml", "docs/gallery.yaml"]  # that `make docs` builds
NOT_OURS = {"distributed"}  # first key of the YAML of others


def snippets(page):
    """Yield language and text of each snippet of a page."""
    for indent, language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        lines = (line.removeprefix(indent) for line in text.splitlines(keepends=True))
        yield language, "".join(lines)


def of_language(*languages):
    return [
        pytest.param(text, id=f"{page.name}-{place}")
        for page in PAGES
        for place, (language, text) in enumerate(snippets(page))
        if language in languages
    ]


@pytest.fixture(scope="module")
def validator():
    return Draft202012Validator(configuration_schema(installed_analyses().types))


@pytest.mark.parametrize("text", of_language("yaml"))
def test_yaml_has_keys_and_values_that_there_are(text, validator):
    keys = json.loads(json.dumps(yaml.safe_load(text), default=str))  # dates are texts to editors
    if keys.keys() & NOT_OURS:
        return
    section = {"analysis": "overview", "catalogue": "c", "title": "T"}
    if keys.keys() <= SectionBlock.model_fields.keys():
        keys = {"sections": {"s": {**section, **keys}}}
    assert keys.keys() <= Settings.model_fields.keys()
    whole = {"report": {"id": "r", "title": "R"}, "sections": {"s": section}, **keys}
    assert [error.message for error in validator.iter_errors(whole)] == []


def blocks_of(page):
    """Return the YAML of a page, block by block."""
    return [yaml.safe_load(text) for language, text in snippets(ROOT / page) if language == "yaml"]


def build(keys, folder, *options, **variables):
    """Build the page of a configuration, below a folder; returns the record of the run."""
    whole = {"report": {"id": "c", "title": "C"}, **keys}
    (folder / "c.yaml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    html = ("--set", "output.formats=[html]", "--output", "out")
    done = call("build", "c.yaml", *html, *options, cwd=folder, env=variables)
    assert done.returncode == 0, done.stderr
    return read_summary(folder / "out/latest")


def test_the_expressions_fit_the_columns_and_units_of_a_file(survey, tmp_path):
    (tmp_path / "radio.fits").symlink_to(survey / "components.fits")
    (section,) = build(blocks_of("docs/yaml.md")[0], tmp_path)["sections"]
    assert section["rows"] > 0


def test_the_networks_are_found_and_run(survey, built, tmp_path):
    for file in survey.iterdir():
        (tmp_path / file.name).symlink_to(file)
    shutil.copytree(built.folder / ".cache", tmp_path / "out/.cache")  # they are exported there
    maps = {"analysis": "feature_maps", "images": "stack", "model": "cnn", "title": "T", "image": 0}
    maps["weights"] = ["epochs_10", "epochs_100"]
    stack = {"file": "crowdastro.h5", "dataset": "/atlas/cdfs/images_2x2"}
    keys = {"images": {"stack": stack}, "sections": {"maps": maps}}
    (section,) = build(keys | blocks_of("docs/networks.md")[0], tmp_path)["sections"]
    assert len(section["figures"]) == 3


def test_the_checks_are_judged_and_the_mails_are_written(survey, tmp_path):
    keys = yaml.safe_load((ROOT / "configs/nightly.yaml").read_text(encoding="utf-8"))
    del keys["deliver"], keys["output"]
    survey = {"CDFS_DATA": str(survey)}
    keys["references"] = {"paper": build(keys, tmp_path, **survey)["run"]["id"]}
    pages = [*blocks_of("README.md"), *blocks_of("docs/yaml.md")]
    checks = [check for block in pages for check in block.get("checks", ())]
    keys["sections"]["fluxes"]["checks"] = checks
    sections = build(keys, tmp_path, **survey)["sections"]
    judged = [check for section in sections for check in section["checks"] if check["judged"]]
    assert {check["kind"] for check in judged} >= {"min", "max", "within", "fresh"}
    blocks = [*blocks_of("README.md"), *blocks_of("docs/mail.md")]
    for deliver in (block["deliver"] for block in blocks if "deliver" in block):
        build(keys | {"deliver": deliver}, tmp_path, "--mail", "--dry-run", **survey)
    assert list((tmp_path / "out").rglob("*.eml"))


@pytest.mark.parametrize("text", of_language("sh"))
def test_shell_commands_are_well_formed_and_ours_have_the_options_there_are(text):
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    for line in text.replace("\\\n", " ").splitlines():
        called = re.search(r"(?:^|[\s/])(?:python -m )?reportgen (?!=)([^|>&]*)", line)
        if called is None or re.match(r"(sudo )?(python3|docker build|systemctl|journalctl)", line):
            continue
        words = shlex.split(called[1], comments=True)
        if not words or (
            words[0] not in cli.commands and not re.search(r"ya?ml$|CONFIG", words[0])
        ):
            continue  # the name is of an image, a unit or a folder
        name, *arguments = words if words[0] in cli.commands else ["build", *words]
        assert cli.commands[name].make_context(name, arguments), line


@pytest.mark.parametrize("text", of_language("toml"))
def test_toml_can_be_read(text):
    assert tomllib.loads(text)


def test_every_analysis_has_an_example_whose_figure_the_site_shows():
    found = [yaml.safe_load((ROOT / name).read_text()) for name in CONFIGS_OF_THE_SITE]
    examples = {section["analysis"] for each in found for section in each["sections"].values()}
    assert examples == set(installed_analyses().types)


def test_python_is_on_pages_where_it_is_run():
    found = {page.name for page in PAGES for language, _ in snippets(page) if language == "python"}
    assert found == RUN_ELSEWHERE


def test_the_tutorial_does_what_it_says(tmp_path, survey):
    config = tmp_path / "radio.yaml"
    night = 1_760_000_000
    for language, text in snippets(ROOT / "docs/tutorial.md"):
        if language == "yaml":
            keys, more = yaml.safe_load(config.read_text()), yaml.safe_load(text)
            keys["sections"] |= more.pop("sections", {})
            config.write_text(yaml.safe_dump({**keys, **more}, sort_keys=False))
        for line in text.splitlines() if language == "console" else ():
            program, *words = shlex.split(line.removeprefix("$ "), comments=True)
            if program == "cp":
                shutil.copy(*(tmp_path / word for word in words))
                continue
            assert program == "reportgen", line
            if words[0] == "sample":
                shutil.copytree(survey, tmp_path / words[1])
                continue
            night += 86_400 if words[0] == "build" else 0
            done = call(*words, cwd=tmp_path, env={"SOURCE_DATE_EPOCH": str(night)})
            assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert (tmp_path / "build/radio/latest/report.html").is_file()
    assert list((tmp_path / "build/radio").rglob("*.eml"))


def test_every_page_is_in_the_site_and_every_link_between_pages_leads_somewhere():
    docs = {page.name: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
    listed = "\n".join(docs[name] for name in ("index.md", "how_to.md", "reference.md"))
    assert {name for name in docs if name != "index.md" and name[:-3] not in listed} == set()
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8")):
            made = "reference/" in link
            assert made or (page.parent / link).exists(), f"{page.name}: {link}"
