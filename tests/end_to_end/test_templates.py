"""A user's own templates and styles, and the documents of a run made again."""

import shutil

import pytest
from projects import DISTRIBUTION, HISTOGRAM, call, files_of, read_summary, small_project

from reportgen.build.rerender import rerender
from reportgen.errors import ConfigError

PAGE = "<!DOCTYPE html>\n<title>Mine</title>\n<p>{{ view.summary.report.title }}: "


@pytest.fixture(scope="module")
def stars(tmp_path_factory):
    """A project whose report was built as page and PDF; do not change it."""
    project = small_project(tmp_path_factory.mktemp("stars"))
    project.configure({"fluxes": HISTOGRAM}, output={"folder": "out"})
    done = project.build(env={"SOURCE_DATE_EPOCH": "1760000000"})
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def run(stars, tmp_path):
    return shutil.copytree(stars.latest.resolve(), tmp_path / "run")


@pytest.fixture(scope="module")
def stars_as_page(tmp_path_factory):
    """A project whose report was built as page alone; do not change it."""
    project = small_project(tmp_path_factory.mktemp("page"))
    assert project.build().returncode == 0
    return project


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own templates"
    folder.mkdir()
    return folder


# Documents made again


def test_rendering_again_gives_the_same_bytes_and_needs_neither_data_nor_configuration(run):
    before = files_of(run)
    (run / "report.pdf").unlink()
    done = call("render", run, cwd="/")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(run / "report.pdf"), str(run / "report.html")]
    after = files_of(run)
    assert after.keys() == before.keys()
    assert [name for name in before if after[name] != before[name]] == []


def test_other_templates_change_what_they_replace_and_nothing_else(stars, run, own):
    (own / "base.css").write_text("body { color: rebeccapurple }\n")
    before = files_of(run)
    done = call("render", run, "--templates", own)
    assert done.returncode == 0, done.stderr
    page = (run / "report.html").read_text()
    assert "body { color: rebeccapurple }" in page
    assert "--ground: #ffffff" not in page
    assert stars.page().partition("<body>")[2] == page.partition("<body>")[2]
    assert (run / "report.pdf").read_bytes() != before["report.pdf"]
    assert read_summary(run) == stars.summary(), "the record is that of the build"
    # Without them all is as before, whatever one that was killed has left.
    (run / ".rendering").mkdir()
    (run / ".rendering" / "report.html").touch()
    rerender(run)
    assert files_of(run) == before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("report.html.j2", "<p>\n{% for x in %}\n", "report.html.j2:2: TemplateSyntaxError"),
        ("report.html.j2", f"{PAGE}\n{{{{ view.nothing }}}}", "report.html.j2:4: UndefinedError"),
        ("report.html.j2", "\n{{ 1 / 0 }}", "report.html.j2:2: ZeroDivisionError"),
        (
            "report.html.j2",
            "{% include 'none.j2' %}",
            "report.html.j2:1: TemplateNotFound",
        ),
        ("_section.html.j2", "\n\n{{ section.nothing }}", "_section.html.j2:3: UndefinedError"),
        ("report_pdf.html.j2", "{{ nothing }}", "report_pdf.html.j2:1: UndefinedError"),
        ("base.css", "a { }\n{% endif %}", "base.css:2: TemplateSyntaxError"),
    ],
)
def test_an_error_in_a_template_is_named_and_former_documents_stay(request, own, name, text, said):
    made = request.getfixturevalue("stars" if "pdf" in name else "stars_as_page")
    run = shutil.copytree(made.latest.resolve(), own.parent / "run")
    (own / name).write_text(text)
    before = files_of(run)
    with pytest.raises(ConfigError) as caught:
        rerender(run, own)
    assert caught.value.message.startswith(f"output.templates: {own}/{said}")
    assert "mend the template" in caught.value.hint
    assert files_of(run) == before
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []


def test_a_run_with_missing_files_cannot_be_rendered(run):
    missing = next(run.glob("sections/*/figures/*.svg"))
    missing.unlink()
    said = f"1 files of the run are missing, first {missing.relative_to(run)}"
    with pytest.raises(ConfigError, match=said):
        rerender(run)


def test_a_figure_that_is_a_link_out_of_the_run_folder_is_not_rendered(run, tmp_path):
    figure = next(run.glob("sections/*/figures/*.svg"))
    (tmp_path / "secret.svg").write_bytes(figure.read_bytes())
    figure.unlink()
    figure.symlink_to(tmp_path / "secret.svg")
    with pytest.raises(ConfigError, match="is a link that leads out of the run folder"):
        rerender(run)


# Templates of a build


def configure(project, own, **output):
    output = {"folder": "out", "templates": str(own), **output}
    project.configure({"fluxes": DISTRIBUTION}, output=output)


def test_a_build_takes_the_templates_of_the_configuration(project, own):
    (own / "report.html.j2").write_text(f"{PAGE}{{% include 'part.txt' %}}</p>\n")
    (own / "part.txt").write_text("{{ view.sections | length }} section")
    configure(project, own, formats=["html"])
    done = project.build()
    assert done.returncode == 0, done.stderr
    assert "<p>Stars: 1 section</p>" in project.page()


def test_a_template_that_cannot_be_read_stops_a_build_before_it_computes(project, own):
    (own / "report.html.j2").write_text("{% for %}")
    configure(project, own)
    done = project.call("report.yaml")
    assert done.returncode == 2
    assert "own templates/report.html.j2:1: TemplateSyntaxError" in done.stderr
    assert "Building" not in done.stderr
    assert not project.out.exists()


def test_a_template_that_fails_later_is_replaced_by_ours_and_the_page_says_so(project, own):
    (own / "report.html.j2").write_text("{{ view.nothing }}")
    configure(project, own, formats=["html"])
    done = project.build()
    assert done.returncode == 3, done.stderr
    assert "The templates that were given for the HTML have an error." in done.stdout
    page = project.page()
    assert "What needs attention" in page
    assert "own templates/report.html.j2:1: UndefinedError" in page
    assert 'id="section-fluxes"' in page
    record = project.summary()["documents"]["html"]
    assert record["file"] == "report.html"
    assert record["error"]["kind"] == "config"


def test_a_template_of_the_pdf_that_fails_costs_the_pdf_only(project, own):
    (own / "report_pdf.html.j2").write_text("<img src='https://example.org/x.png' alt='x'>")
    configure(project, own)
    done = project.build()
    assert done.returncode == 3, done.stderr
    assert "The PDF could not be made." in done.stdout
    assert "https://example.org/x.png is not in the run folder" in project.page()
    assert not (project.latest / "report.pdf").exists()
