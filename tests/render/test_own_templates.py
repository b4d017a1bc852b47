"""Templates of a user, which may come with a run folder from elsewhere."""

import multiprocessing
import os
from time import perf_counter

import pytest

from reportgen.errors import ConfigError
from reportgen.render import own_templates
from reportgen.render.environment import check_templates, render_page
from reportgen.workers import alone

PAGE = "diff.html.j2"


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


def test_own_templates_have_the_whole_language_and_the_values_that_they_are_sent(own):
    (own / PAGE).write_text(
        "{% import 'words.j2' as words %}{% set n = view.n ** 2 %}{{ words.said(n * 2) }}"
        "{% for i in range(3) %}{{ '%02d' | format(i) }}{% endfor %}{{ '-' * 3 }}"
    )
    (own / "words.j2").write_text("{% macro said(n) %}{{ n }} rows {% endmacro %}")
    check_templates(str(own))
    assert render_page(PAGE, str(own), view={"n": 3}) == "18 rows 000102---"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("\n{{ 'x' * 10**10 }}", ":2: MemoryError: it needs more than 1\xa0GB"),
        ("\n{{ 'x' | center(10**10) }}", ":2: MemoryError: it needs more than 1\xa0GB"),
        ("\n{{ '%09999999999d' | format(1) }}", ":2: "),
        ("\n{{ 9 ** (9 ** 9) }}", ":2: OverflowError: ** gives a number of thousands of digits"),
        ("\n{{ range(10**9) | list }}", ":2: OverflowError: "),
        (
            "\n{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
            ":2: TimeoutError: it takes longer than 2 s",
        ),
        (
            "{% set n = namespace(x=9) %}{% for i in range(99) %}\n"
            "{% set n.x = n.x * n.x %}{% endfor %}",
            ":2: OverflowError: * gives",
        ),
        ("{% set n = namespace(x='x') %}{% for i in range(99) %}\n"
        "{% set n.x = n.x ~ n.x %}{% endfor %}", ":2: "),
        ("{% macro f() %}\n{{ f() }}{% endmacro %}{{ f() }}", ":2: RecursionError"),
        ("{{ " + "(" * 900 + "1" + ")" * 900 + " }}", f": {PAGE}: RecursionError"),
        ("{% include '../secret.txt' %}", ":1: TemplateNotFound"),
        ("{% include '/etc/hostname' %}", ":1: TemplateNotFound"),
        ("{% include '.hidden' %}", ":1: TemplateNotFound"),
        ("{% include 'link.txt' %}", "link.txt: is a link that leads out of the folder"),
        ("{% extends 'folder/secret.txt' %}", "secret.txt: is a link that leads out of"),
        ("{% import 'pipe' as a %}", "pipe: is not a regular file"),
        ("{% include 'zero' %}", "zero: is a link that leads out of the folder"),
        ("{% include 'large.txt' %}", "large.txt: is larger than 1\xa0MB"),
        ("{% include 'bytes.txt' %}", "bytes.txt: cannot be read: 'utf-8' codec"),
        ("{{ ''.__class__.__mro__ }}", ":1: SecurityError"),
    ],
)  # fmt: skip
def test_what_own_templates_may_not_do_is_named_by_file_and_line(
    own, tmp_path, template, said, monkeypatch
):
    # As in a worker process, which takes its time to start.
    monkeypatch.setattr(alone, "parent_process", multiprocessing.current_process)
    monkeypatch.setattr(own_templates, "SECONDS", 2.0)
    (tmp_path / "secret.txt").write_text("secret")
    (own / ".hidden").write_text("secret")
    (own / "link.txt").symlink_to(tmp_path / "secret.txt")
    (own / "folder").symlink_to(tmp_path)
    (own / "zero").symlink_to("/dev/zero")
    (own / "large.txt").write_text("x" * 1_000_001)
    (own / "bytes.txt").write_bytes(b"\xff")
    os.mkfifo(own / "pipe")
    (own / PAGE).write_text(template)
    begun = perf_counter()
    with pytest.raises(ConfigError) as caught:
        render_page(PAGE, str(own))
    assert said in caught.value.message
    assert caught.value.message.startswith(f"output.templates: {own}")
    assert perf_counter() - begun < 5


def test_a_link_within_the_folder_of_templates_is_followed(own):
    (own / "mine.txt").write_text("mine")
    (own / PAGE).symlink_to("mine.txt")
    assert render_page(PAGE, str(own)) == "mine"


def test_a_folder_where_anybody_may_put_templates_is_refused(own):
    own.chmod(0o777)
    for work in (check_templates, lambda own: render_page(PAGE, own)):
        with pytest.raises(ConfigError, match="everybody can write to the folder"):
            work(str(own))


@pytest.mark.parametrize("template", ["{% for %}", "{{ x | nothing }}", "{{ " + "(" * 900])
def test_a_template_that_cannot_be_read_is_found_by_a_check(own, template):
    (own / PAGE).write_text(template)
    with pytest.raises(ConfigError, match=f"^output.templates: {own}.*{PAGE}"):
        check_templates(str(own))
