import os
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reportgen.config.nodes import MAX_NODES
from reportgen.config.scalars import Variables, scalar, written
from reportgen.config.text import Document, Source, dotted, read_document
from reportgen.errors import ConfigError, ExitCode

ENVIRONMENT = {
    "BINS": "20",
    "EMPTY": "",
    "NAME": "cdfs",
    "FLAG": "true",
    "NESTED": "${BINS}",
    "NUL": "a\x00",
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "report.yaml"


@pytest.fixture
def read(path):
    def read(text, *overrides) -> Document:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_document(path, overrides, ENVIRONMENT)

    return read


def without_libyaml(monkeypatch):
    monkeypatch.setattr(yaml, "CSafeLoader", None)


YAML_TEXTS = (
    "a: [1, two, {b: 'three', c: \"fo\\u00fcr\"}]\nd: !!str 5\n",
    "a: |\n  lines\n  of text\nb: >-\n  folded\n  text\n",
    "base: &base {x: 1}\nother: *base\nmerged:\n  <<: *base\n  y: ${BINS}\n",
    "# only\na:\n- ${NAME}\n- '${NAME}'\n- ~\n-\n- 2026-11-26\n- 1e3\n",
    "? complex\n: value\nλ: 3.6 μm\n",
    "%YAML 1.1\n---\na: yes\n...\n",
)


def whole(document):
    return document.values, document.places, document.problems


@pytest.mark.parametrize("text", YAML_TEXTS)
def test_libyaml_and_python_read_the_same(read, monkeypatch, text):
    fast = whole(read(text))
    without_libyaml(monkeypatch)
    assert whole(read(text)) == fast
    assert isinstance(yaml.safe_load(text), dict)


@given(
    st.dictionaries(
        st.text("abλ _-", min_size=1, max_size=5),
        st.recursive(
            st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.none(), st.floats()),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xy"), inner),
            max_leaves=8,
        ),
        min_size=1,
    ),
    st.sampled_from([True, False, None]),
)
def test_libyaml_and_python_read_the_same_of_whatever_is_written(values, flow):
    text = yaml.safe_dump(values, default_flow_style=flow, allow_unicode=True)
    fast = nodes(yaml.compose(text, Loader=yaml.CSafeLoader))
    assert nodes(yaml.compose(text, Loader=yaml.SafeLoader)) == fast


def nodes(node):
    """Give all that is read of a node: kinds, values, places, and whether it stands in quotes."""
    at = node.tag, node.start_mark.line, node.start_mark.column, bool(getattr(node, "style", None))
    if isinstance(node, yaml.ScalarNode):
        return at, node.value
    each = [
        pair for pairs in node.value for pair in (pairs if isinstance(pairs, tuple) else [pairs])
    ]
    return at[:3], [nodes(child) for child in each]


@pytest.mark.parametrize("brackets", ["[", "{", "- ", "? "])
def test_nodes_too_deep_for_the_stack_of_libyaml_do_not_end_the_program(read, brackets):
    with pytest.raises(ConfigError, match="nested"):
        read("a:\n " + brackets * 60_000)


@pytest.fixture
def problems(read, path):
    """Give what is wrong, with the file left out."""

    def problems(text, *overrides):
        return [str(p).replace(f"{path}:", "") for p in read(text, *overrides).problems]

    return problems


@pytest.fixture
def refusal(read, path):
    def refusal(text):
        with pytest.raises(ConfigError) as caught:
            read(text)
        assert caught.value.exit_code == ExitCode.CONFIG == 2
        assert caught.value.message.startswith(f"{path}:")
        return str(caught.value).replace(f"{path}:", "", 1).lstrip()

    return refusal


def test_values_and_their_places(read, path):
    text = "report:\n  id: cdfs\n  authors: [Ann, Bea]\nsections: {one: {bins: 3}}\n"
    document = read(text)
    assert document.values == {
        "report": {"id": "cdfs", "authors": ["Ann", "Bea"]},
        "sections": {"one": {"bins": 3}},
    }
    assert document.text == text
    assert document.place(()) == f"{path}:1:1"
    assert document.place(("report", "id")) == f"{path}:2:3"
    assert document.place(("report", "authors", 1)) == f"{path}:3:18"
    assert document.place(("sections", "one", "bins")) == f"{path}:4:18"
    assert document.place(("sections", "one", "bin", "x")) == f"{path}:4:12"


def test_a_validator_s_path_is_brought_back_to_the_document(read):
    document = read("a:\n  b: [{c: 1}]\n")
    assert document.known_path(("a", "b", "list[Model]", 0, "Model", "c")) == ("a", "b", 0, "c")
    assert document.known_path(("a", "b", 3, "x")) == ("a", "b")
    assert document.known_path(("a", "b", "[key]")) == ("a", "b")


def test_a_path_is_written_as_in_messages():
    assert dotted(("sections", "flux", "columns", 2, 0, "x")) == "sections.flux.columns[2][0].x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: the file is empty"),
        ("# nothing yet\n\n", "1:1: the file is empty"),
        ("- a\n", "1:1: the file must hold keys and values, not a list"),
        ("\n  cdfs", "2:3: the file must hold keys and values, not a single value"),
        (b"a: 1\ntitle: \xfe", "2:8: the file is not UTF-8 text (byte 0xfe)"),
        ("a: µ\nµµ: ".encode() + b"\xff", "2:5: the file is not UTF-8 text (byte 0xff)"),
        ("a: 1\n".encode("utf-16"), "1:1: the file is not UTF-8 text (byte 0xff)"),
        (b"\x89HDF\r\n\x1a\n", "1:1: the file is not UTF-8 text (byte 0x89)"),
        ("a: 1\nb: x\x00y", "2:5: not YAML: the character U+0000 is not allowed"),
        ("a:\n\tb: 1", "2:1: not YAML: while scanning for the next token; found character '\\t'"),
        ("a: 1\n---\nb: 2", "3:1: a second document starts here"),
        ("a: b: c", "1:5: not YAML: mapping values are not allowed here"),
        ("a:\n  - b\n c: 1", "3:2: not YAML"),
        ("a: [1, 2\nb: 3", "2:2: not YAML"),
        ("a: 'x", "1:6: not YAML"),
        ("a: *b", "1:4: not YAML: found undefined alias 'b'"),
        ("a: @b", "1:4: not YAML"),
        ("a: &b [*b]", "1:4: an alias that contains itself"),
        ("a: &b\n  c: {d: *b}", "1:4: an alias that contains itself"),
        ("a: " + "[" * 5000, "1:1: the YAML is nested too deeply"),
        ("a: " + "[" * 100 + "]" * 100, "nested deeper than 60 levels"),
        ("a: &a\n  <<: *a", "an alias that contains itself"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_with_its_place(refusal, text, said):
    assert said in refusal(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a:\n\tb: 1", "indent with spaces"),
        ("title: CDFS: fluxes", "put quotes around a text with a colon"),
        ("title: *best", "put quotes around a text that starts with *"),
        ("a: [${BINS}]", 'put quotes around "${NAME}"'),
        ("a: {b: ${BINS}}", 'put quotes around "${NAME}"'),
    ],
)
def test_a_common_slip_is_answered_with_what_to_do(refusal, text, hint):
    assert hint in refusal(text)


def test_a_missing_file_and_a_folder_are_said_so(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.yaml: there is no such file"):
        read_document(tmp_path / "no.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_document(tmp_path)


def test_a_huge_file_is_not_read_whole(path):
    path.touch()
    os.truncate(path, 2**40)  # takes no place on the disk, but would in memory
    with pytest.raises(ConfigError, match="too large to be a report's"):
        read_document(path)


def test_repeated_nodes_count_each_time(read, monkeypatch):
    monkeypatch.setattr("reportgen.config.nodes.MAX_NODES", 20)
    assert read("a: &a [1, 2, 3]\nb: [*a, *a, *a]\n").values["b"] == [[1, 2, 3]] * 3
    with pytest.raises(ConfigError, match="expand to over 20 values"):
        read("a: &a [1, 2, 3]\nb: [*a, *a, *a, *a]\n")


def test_an_alias_bomb_is_refused_before_it_expands(refusal):
    lines = ["a0: &a0 [" + "x, " * 10 + "]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert f"expand to over {MAX_NODES} values" in refusal("\n".join(lines))


def test_a_merge_bomb_is_refused_before_it_expands(refusal):
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}" for i in range(1, 12)]
    assert f"expand to over {MAX_NODES} values" in refusal("\n".join(lines))


def test_a_long_chain_of_aliases_is_refused_and_not_a_crash(refusal):
    lines = ["a0: &a0 [1]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 2000))]
    assert "nested deeper than 60 levels" in refusal("\n".join(lines))


def test_aliases_that_stay_small_are_values_of_their_own(read):
    document = read("a: &x [1, {y: 2}]\nb: *x\n", "b.1.y=3")
    assert document.values == {"a": [1, {"y": 2}], "b": [1, {"y": 3}]}


def test_duplicate_keys_are_all_named_with_the_first_place(problems, read):
    text = "a: 1\nb: {c: 1, c: 2}\na: 3\na: 4\n"
    assert problems(text) == [
        "2:11: b.c: the key stands twice (first at 2:5)",
        "3:1: a: the key stands twice (first at 1:1)",
        "4:1: a: the key stands twice (first at 1:1)",
    ]
    assert read(text).values == {"a": 1, "b": {"c": 1}}


def test_a_duplicate_key_in_a_merged_mapping_is_named(problems):
    assert problems("a:\n  <<: {x: 1, x: 2}") == ["2:14: a.x: the key stands twice (first at 2:8)"]


def test_merge_keys_bring_in_what_is_not_there(read, path):
    document = read(
        "base: &base {x: 1, y: {z: 1}, w: 1}\n"
        "more: &more {x: 2, v: 2}\n"
        "one:\n"
        "  y: {q: 3}\n"
        "  <<: [*base, *more]\n"
    )
    assert document.values["one"] == {"x": 1, "y": {"q": 3}, "w": 1, "v": 2}
    assert document.place(("one", "y")) == f"{path}:4:3"  # its own, though the merge is later
    assert document.known_path(("one", "y", "z")) == ("one", "y")
    assert document.place(("one", "x")) == f"{path}:1:14"  # of the earlier mapping, which wins
    assert document.place(("one", "v")) == f"{path}:2:20"


def test_a_merge_of_no_mapping_is_named(problems):
    assert problems("a:\n  <<: 3\nb:\n  <<: [{x: 1}, y]\n") == [
        "2:7: a: << needs keys and values, or a list of such",
        "4:16: b: << needs keys and values, or a list of such",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: !!python/object/apply:os.system [true]", "1:4: a: the tag !!python/object/apply:os"),
        ("a: !!python/object:os.x {b: 1}", "1:4: a: the tag !!python/object:os.x is not allowed"),
        ("a: !!python/name:os.system x", "1:4: a: the tag !!python/name:os.system"),
        ("!!python/name:os.system a: 1", "1:1: the tag !!python/name:os.system is not"),
        ("a: !secret ${BINS}", "1:4: a: the tag !secret is not allowed"),
        ("a: !!binary aGk=", "the tag !!binary is not allowed"),
        ("a: !!set {x, y}", "the tag !!set is not allowed"),
        ("a: !!omap [x: 1]", "the tag !!omap is not allowed"),
        ("a: !!bool maybe", "'maybe' cannot be read as bool"),
        ("a: !!int ''", "'' cannot be read as int"),
        ("a: !!float ''", "'' cannot be read as float"),
        ("a: !!int 1.5", "'1.5' cannot be read as int"),
        ("a: " + "9" * 6000, "cannot be read as int"),
        ("a: {{ matrix.x }}", "1:5: a: a key must be a word, not keys and values"),
        ("? [a, b]\n: 1", "1:3: a key must be a word, not a list"),
        ("'': 1", "1:1: a key is missing before the colon"),
        ('"a\\0": 1', "1:1: a key holds a control character"),
        ('a: "x\\0y"', "1:4: a: the text holds a control character"),
        ('a: "\\uD800"', "1:4: a: the text holds a control character"),
        ("a: ${NUL}", "1:4: a: the text holds a control character"),
    ],
)
def test_a_value_that_is_not_plain_is_named_with_its_place(problems, text, said):
    (problem,) = problems(text)
    assert said in problem
    assert len(problem) < 200


def test_all_problems_are_reported_at_once(problems):
    text = "a: ${NO}\nb: !x 1\nb: 2\nc: [${NO2}]\n".replace("[${NO2}]", "['${NO2}']")
    found = problems(text, "d=[", "e")
    assert [problem.split(":")[0] for problem in found] == [
        "1",
        "2",
        "3",
        "4",
        "--set d=[",
        "--set e",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-23", "2026-11-23"),
        ("2026-11-23T02:00:00Z", "2026-11-23T02:00:00Z"),
        ("03:32:28", "03:32:28"),
        ("-27:48:30.5", "-27:48:30.5"),
        ("=", "="),
        ("<<", "<<"),
        ("010", 10),
        ("-0077", -77),
        ("0x1f", 31),
        ("1_000", 1000),
        ("1.5e+3", 1500.0),
        ("yes", True),
        ("~", None),
        ("", None),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("µJy", "µJy"),
    ],
)
def test_scalars_are_what_an_astronomer_means(read, text, value):
    found = read(f"a: {text}").values["a"]
    assert found == value
    assert type(found) is type(value)


def test_a_byte_order_mark_is_no_part_of_the_first_key(read, path):
    document = read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert document.values == {"a": 1, "b": 2}
    assert document.place(("b",)) == f"{path}:2:1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${BINS}", 20),
        ("'${BINS}'", "20"),
        ('"${BINS}"', "20"),
        ("!!str ${BINS}", 20),
        ("${FLAG}", True),
        ("${EMPTY}", None),
        ("'${EMPTY}'", ""),
        ("${EMPTY:-7}", 7),
        ("${UNSET:-7}", 7),
        ("'${UNSET:-7}'", "7"),
        ("${UNSET:-a b}", "a b"),
        ("${UNSET:-}", None),
        ("${BINS:-7}", 20),
        ("x${BINS}y${NAME}", "x20ycdfs"),
        ("$${BINS}", "${BINS}"),
        ("$BINS", "$BINS"),
        ("$${{ matrix.x }}", "${{ matrix.x }}"),
        ("${NESTED}", "${BINS}"),  # what a variable holds is not looked into
        ("|-\n  ${BINS}", "20"),
    ],
)
def test_the_environment_is_read_as_if_it_had_been_typed(read, text, value):
    document = read(f"a: {text}\n")
    assert document.problems == ()
    assert document.values["a"] == value
    assert type(document.values["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${UNSET}", "1:4: a: the environment variable UNSET is not set"),
        ("'x ${UNSET}'", "1:4: a: the environment variable UNSET is not set"),
        ("${1X}", "after ${ comes a name"),
        ("${BINS-7}", "after ${ comes a name"),
        ("${BINS", "after ${ comes a name"),
        ("${}", "after ${ comes a name"),
    ],
)
def test_a_variable_that_is_not_there_is_named(problems, text, said):
    (problem,) = problems(f"a: {text}")
    assert said in problem


MATRIX = {
    "field": "cdfs",
    "n": 5,
    "x": 0.5,
    "on": True,
    "code": "007",
    "tricky": "${BINS} $${ ${{ matrix.n }} !!int #",
}


@pytest.fixture
def with_matrix(path):
    """Read a text with values of a matrix."""

    def with_matrix(text, *overrides, matrix=MATRIX) -> Document:
        path.write_text(text, encoding="utf-8")
        return Source.read(path).document(overrides, ENVIRONMENT, matrix)

    return with_matrix


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ matrix.field }}", "cdfs"),
        ("${{matrix.field}}", "cdfs"),
        ("${{ matrix.n }}", 5),
        ("${{ matrix.x }}", 0.5),
        ("${{ matrix.on }}", True),
        ("${{ matrix.code }}", "007"),
        ("'${{ matrix.n }}'", "5"),
        ('"${{ matrix.on }}"', "true"),
        ("1${{ matrix.n }}", "15"),
        ("${{ matrix.n }}${{ matrix.n }}", "55"),
        ("a ${{ matrix.field }}, ${{ matrix.n }}!", "a cdfs, 5!"),
        ("|-\n  ${{ matrix.n }}", "5"),
        ("!!int ${{ matrix.n }}", 5),
        ("${NAME}/${{ matrix.field }}/x.h5", "cdfs/cdfs/x.h5"),
        ("${UNSET:-../data}/${{ matrix.field }}", "../data/cdfs"),
        ("${UNSET:-../data/${{ matrix.field }}}/x.h5", "../data/cdfs/x.h5"),
        ("${NAME:-../data/${{ matrix.field }}}/x.h5", "cdfs/x.h5"),
        ("${UNSET:-$${{ matrix.n }}}", "${{ matrix.n }}"),
        ("$${{ matrix.field }}", "${{ matrix.field }}"),
        ("${{ matrix.tricky }}", MATRIX["tricky"]),
        ("'${{ matrix.tricky }}'", MATRIX["tricky"]),
        ("[1, '${{ matrix.n }}']", [1, "5"]),
        ("{x: '${{ matrix.n }}'}", {"x": "5"}),
    ],
)
def test_values_of_the_matrix_are_filled_in_and_keep_their_type(with_matrix, text, value):
    document = with_matrix(f"a: {text}\n")
    assert document.problems == ()
    assert document.values["a"] == value
    assert type(document.values["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: x\nb: ${{ matrix.feild }}", "2:4: b: unknown key of the matrix 'feild'; did you mean"),
        (
            "b: ['${{ matix.field }}']",
            "1:5: b[0]: unknown name 'matix.field'; did you mean 'matrix.",
        ),
        ("b: ${{ field }}", "1:4: b: unknown name 'field'"),
        ("b: ${{ }}", "1:4: b: unknown name ''"),
        ("b: ${{ matrix.field", "1:4: b: ${{ is never closed"),
        ("b: ${{ matrix.field }", "1:4: b: ${{ is never closed"),
        ("b: '${UNSET:-${{ matrix.field }'", "1:4: b: ${{ is never closed"),
        ("b: ${UNSET:-${{ matrix.feild }}}", "1:4: b: unknown key of the matrix 'feild'"),
        ("b: ${NAME:-${{ matrix.feild }}}", "1:4: b: unknown key of the matrix 'feild'"),
        ("b: ${{ matrix.n + 1 }}", "1:4: b: unknown name 'matrix.n + 1'"),
        ("b: ${{ matrix.__class__ }}", "1:4: b: unknown key of the matrix '__class__'"),
        ("${{ matrix.field }}: x", "1:1: ${{ … }} can stand in a value"),
    ],
)
def test_what_the_matrix_does_not_have_is_named_with_its_place(with_matrix, path, text, said):
    (problem,) = with_matrix(text).problems
    assert said in str(problem).replace(f"{path}:", "")


def test_without_a_matrix_an_expression_is_a_mistake(problems):
    (said,) = problems("a: ${{ matrix.x }}")
    assert said.startswith("1:4: a: there is no matrix: that ${{ matrix.x }} could be of")


def test_before_the_matrix_is_known_expressions_stay(path):
    path.write_text("a: ${{ matrix.x }}\nb: 'x ${{ matrix.x'\nc: ${UNSET:-${{ matrix.y }}}")
    document = Source.read(path).document((), ENVIRONMENT)
    assert document.problems == ()
    assert document.values == {
        "a": "${{ matrix.x }}",
        "b": "x ${{ matrix.x",
        "c": "${{ matrix.y }}",
    }


def test_keys_that_use_the_matrix_are_known(with_matrix):
    text = "a: ${{ matrix.n }}\nb: {c: ['${{ matrix.n }}', 2]}\nd: $${{ x }}\ne: ${{ matrix.n }}\n"
    document = with_matrix(text, "e=5", "f.g=${{ matrix.field }}")
    assert document.from_matrix == {("a",), ("b", "c", 0), ("f", "g")}
    assert document.values["f"] == {"g": "cdfs"}
    assert document.problems == ()


SCALARS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])) | st.integers()
PARTS = st.lists(
    st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters=" .:/#{}")),
    min_size=2,
    max_size=4,
)


@given(SCALARS | st.booleans() | st.floats(allow_nan=False), PARTS)
def test_any_value_is_filled_in_as_it_is_and_never_read_again(value, parts):
    text = "${{ matrix.v }}".join(parts)
    variables = Variables({"A": "x"}, {"v": value})
    as_text = written(value)
    assert variables.fill(text) == as_text.join(parts)
    node = yaml.ScalarNode("tag:yaml.org,2002:str", text, style='"')
    assert scalar(node, variables) == as_text.join(parts)
    exact = yaml.ScalarNode("tag:yaml.org,2002:str", "${{ matrix.v }}")
    assert scalar(exact, variables) is value


@given(st.text(st.sampled_from("${}matrix.v:- A")), st.booleans())
def test_any_text_is_filled_in_or_refused(text, known):
    variables = Variables({"A": "x"}, {"v": "${A}"} if known else None)
    with suppress(ValueError):
        filled = variables.fill(text)
        assert known is False or "${{" not in filled or "$${{" in text


START = "report: {id: cdfs, authors: [Ann, Bea]}\nbins: 3\n"


@pytest.mark.parametrize(
    ("override", "keys", "value"),
    [
        ("bins=5", ("bins",), 5),
        ("bins='5'", ("bins",), "5"),
        ("bins=", ("bins",), ""),
        ("bins= ", ("bins",), ""),
        ("bins=null", ("bins",), None),
        ("bins=a=b", ("bins",), "a=b"),
        ("bins=${BINS}", ("bins",), 20),
        ("report.id=x", ("report", "id"), "x"),
        (" report.id =x", ("report", "id"), "x"),
        ("report.authors.1=Cat", ("report", "authors", 1), "Cat"),
        ("report.authors[1]=Cat", ("report", "authors", 1), "Cat"),
        ("report.authors=[Cat, 2]", ("report", "authors"), ["Cat", 2]),
        ("report.id={a: [1]}", ("report", "id"), {"a": [1]}),
        ("report.id.deep=1", ("report", "id", "deep"), 1),
        ("report.authors.0.name=1", ("report", "authors", 0, "name"), 1),
        ("new.block.key=1", ("new", "block", "key"), 1),
        ("bins=//a//b", ("bins",), "//a//b"),
    ],
)
def test_any_key_can_be_set_from_the_command_line(read, override, keys, value):
    document = read(START, override)
    assert document.problems == ()
    found = document.values
    for key in keys:
        found = found[key]
    assert found == value
    assert document.place(keys) == f"--set {override}"


def test_an_override_takes_the_places_below_the_old_value_away(read, path):
    document = read(START, "report={id: x}")
    assert document.known_path(("report", "authors", 0)) == ("report",)
    assert document.place(("report", "id")) == "--set report={id: x}"
    assert document.place(("bins",)) == f"{path}:2:1"


def test_later_overrides_see_earlier_ones(read):
    assert read(START, "new=[1, 2]", "new.1=5").values["new"] == [1, 5]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("bins", "write --set key.path=value"),
        ("=5", "write --set key.path=value"),
        ("a..b=5", "write --set key.path=value"),
        ("bins=[", "the value is not YAML"),
        ("bins=a: b: c", "the value is not YAML"),
        ("bins=" + "[" * 5000, "the value is nested too deeply to read"),
        ("bins=a\n---\nb", "the value is not YAML"),
        ("report.authors.2=x", "report.authors is a list; after it comes a number from 0 to 1"),
        ("report.authors.x=x", "report.authors is a list"),
        ("report.authors.-1=x", "report.authors is a list"),
        ("report.authors.²=x", "report.authors is a list"),
        ("bins=${UNSET}", "bins: the environment variable UNSET is not set"),
        ("bins=!!python/name:os.x y", "bins: the tag !!python/name:os.x is not allowed"),
        ("bins={a: 1, a: 2}", "bins.a: the key stands twice"),
    ],
)
def test_an_override_that_cannot_be_read_is_named(problems, override, said):
    (problem,) = problems(START, override)
    assert problem.startswith("--set ")
    assert said in problem
    assert len(problem) < 250


@given(st.text(max_size=80) | st.binary(max_size=80), st.lists(st.text(max_size=20), max_size=2))
def test_any_text_is_a_document_or_a_config_error(tmp_path_factory, text, overrides):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    try:
        document = read_document(path, overrides, ENVIRONMENT)
    except ConfigError as refused:
        said = refused.message
    else:
        said = f"{path}: {document.values}"
        assert isinstance(document.values, dict)
    assert str(path) in said
