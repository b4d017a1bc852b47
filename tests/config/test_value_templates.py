from time import perf_counter

import pytest

from reportgen.config import templates
from reportgen.config.templates import DEEPEST, MOST, check_template, fill_template

NAMES = {"metrics": (), "report": ("id", "title")}
VALUES = {"metrics": {"n": 3, "x": 0.5}, "report": {"id": "cdfs", "title": "CDFS"}}
DEEP = DEEPEST // 2


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{{ metrics.n * 2 + 1 }}", "7"),
        ("{{ '%08.2f' | format(metrics.x) }}", "00000.50"),
        ("{{ '=' * metrics.n }}", "==="),
        ("{% for name in metrics %}{{ loop.index }} {{ name }} {% endfor %}", "1 n 2 x "),
        ("{% for a in [1, 2] %}{% for b in 'xy' %}{{ a ~ b }}{% endfor %}{% endfor %}", "1x1y2x2y"),
        ("{{ report.title | lower | replace('c', 'x') }}", "xdfs"),
        ("{{ metrics | join(', ') }}", "n, x"),
        ("{% if metrics.n is odd and not metrics.x > 1 %}odd{% endif %}", "odd"),
        (f"{{{{ {'(' * DEEP}1{')' * DEEP} }}}}", "1"),
    ],
)
def test_a_template_is_filled_in(template, filled):
    assert check_template(template, NAMES) == template
    assert fill_template(template, VALUES) == filled


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ 9 ** 9 ** 9 }}", r"can have no \*\*"),
        ("{{ range(10**9) | list }}", "can have no "),
        ("{% for i in range(9) %}{% endfor %}", "can have no call"),
        ("{{ 'x'.center(999999999) }}", "can have no call"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "can have no {% macro %}"),
        ("{% set a = 'x' %}", "can have no {% set %}"),
        ("{% include '/etc/passwd' %}", "can have no {% include %}"),
        ("{% extends '../mail.txt.j2' %}", "can have no {% extends %}"),
        ("{% import 'a' as a %}", "can have no {% import %}"),
        ("{{ 'x' | center(999999999) }}", "unknown filter 'center'"),
        ("{{ 'x' * 1000000000 }}", "gives more than"),
        ("{{ 1000000000 * ['x'] }}", "gives more than"),
        ("{{ '%0999999999d' | format(1) }}", "asks for too many characters"),
        ("{{ '%*d' | format(999999999, 1) }}", "asks for too many characters"),
        ("{{ '%.999999999f' | format(1) }}", "asks for too many characters"),
        ("{{ 'xx' | replace('x', 'y' * 9999) }}", "replace: puts in at most"),
        ("{{ ['x', 'y'] | join('z' * 9999) }}", "join: puts in at most"),
        ("{{ 1.5 | round(999999999, 'ceil') }}", "its precision is from"),
        (f"{{{{ 'x' * {MOST} }}}} and more", "gives more than"),
        ("{{ x }}" + "x" * MOST, "has at most"),
        ("{{ " + "(" * 300 + "1" + ")" * 300 + " }}", "nested too deeply"),
        ("{{ " + "not " * 300 + "1 }}", "nested too deeply"),
        ("{{ " + "-" * 300 + "1 }}", "nested too deeply"),
        ("{{ 1" + "+1" * 300 + " }}", "nested too deeply"),
        ("{% if 1 %}" * 300 + "{% endif %}" * 300, "nested too deeply"),
        ("{{ nothing }}", "unknown name 'nothing'"),
        ("{{ report.ids }}", "unknown name 'report.ids'; did you mean 'report.id'"),
        ("{{ loop.index }}", "unknown name 'loop'"),
        ("{{ 1 is olden }}", "unknown test 'olden'"),
        ("{{ 1", "cannot be read"),
    ],
)
def test_what_a_template_may_not_have_is_said_before_its_values_are_known(template, said):
    begun = perf_counter()
    with pytest.raises(ValueError, match=said):
        check_template(template, NAMES)
    assert perf_counter() - begun < 2


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ report.title * 1000000000 }}", "gives more than"),
        ("{{ '%d' % metrics.n }}", "% works on numbers"),
        ("{{ metrics.n / 0 }}", "ZeroDivisionError"),
        ("{{ metrics.update }}", "unsafe"),
        ("{{ metrics | map('center', 999999999) | list }}", "No filter named 'center'"),
        ("{% for a in s %}{% for b in s %}{{ '' }}{% endfor %}{% endfor %}", "takes more than"),
        ("{{ s | list | string | list | string }}", "gives more than"),
        ("{% for a in s %}{{ s }}{% endfor %}", "gives more than"),
    ],
)
def test_a_template_that_asks_for_too_much_of_its_values_is_refused(template, said, monkeypatch):
    monkeypatch.setattr(templates, "SECONDS", 0.1)
    with pytest.raises(ValueError, match=said):
        fill_template(template, {**VALUES, "s": "x" * 5000})
