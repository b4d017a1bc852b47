"""YAML text to values with places: variables filled in, overrides set, slips named."""

import os
import re
from contextlib import suppress

import pytest
import yaml
from documents import cases
from hypothesis import given
from hypothesis import strategies as st

from reportgen.config.document import MAX_BYTES, Source
from reportgen.config.nodes import MAX_NODES, scalar
from reportgen.config.problems import dotted
from reportgen.config.variables import Variables, written
from reportgen.errors import ConfigError, ExitCode

ENVIRONMENT = {
    "BINS": "20",
    "EMPTY": "",
    "NAME": "cdfs",
    "FLAG": "true",
    "NESTED": "${BINS}",
    "NUL": "a\x00",
}
MATRIX = {
    "field": "cdfs",
    "n": 5,
    "x": 0.5,
    "on": True,
    "code": "007",
    "tricky": "${BINS} $${ ${{ matrix.n }} !!int #",
}


@pytest.fixture
def found(read, path):
    """Give what is wrong with a text or with overrides, without the file."""

    def found(text, *overrides, matrix=None):
        document = read(text, *overrides, environment=ENVIRONMENT, matrix=matrix)
        said = [str(problem).replace(f"{path}:", "") for problem in document.problems]
        assert max(map(len, said), default=0) < 250
        return said

    return found


@pytest.fixture
def refusal(read, path):
    def refusal(text):
        with pytest.raises(ConfigError) as caught:
            read(text)
        assert caught.value.exit_code == ExitCode.CONFIG == 2
        assert caught.value.message.startswith(f"{path}:")
        return str(caught.value).replace(f"{path}:", "", 1).lstrip()

    return refusal


# Text to values


def test_values_and_their_places(read, path):
    text = "report:\n  id: cdfs\n  authors: [Ann, Bea]\nsections: {one: {bins: 3}}\n"
    document = read(text)
    assert document.values == yaml.safe_load(text)
    assert document.text == text
    places = {
        (): "1:1",
        ("report", "id"): "2:3",
        ("report", "authors", 1): "3:18",
        ("sections", "one", "bins"): "4:18",
        ("sections", "one", "bin", "x"): "4:12",
    }
    assert {keys: document.place(keys) for keys in places} == {
        keys: f"{path}:{place}" for keys, place in places.items()
    }


def test_a_path_of_a_validator_is_brought_back_to_the_document(read):
    document = read("a:\n  b: [{c: 1}]\n")
    assert document.known_path(("a", "b", "list[Model]", 0, "Model", "c")) == ("a", "b", 0, "c")
    assert document.known_path(("a", "b", 3, "x")) == ("a", "b")
    assert dotted(("sections", "flux", "columns", 2, 0, "x")) == "sections.flux.columns[2][0].x"


def test_a_byte_order_mark_is_no_part_of_the_first_key(read, path):
    document = read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert document.values == {"a": 1, "b": 2}
    assert document.place(("b",)) == f"{path}:2:1"


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
        ("${BINS}", 20),
        ("'${BINS}'", "20"),
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
        ("${{ matrix.field }}", "cdfs"),
        ("${{matrix.n}}", 5),
        ("${{ matrix.x }}", 0.5),
        ("${{ matrix.on }}", True),
        ("${{ matrix.code }}", "007"),
        ("'${{ matrix.n }}'", "5"),
        ('"${{ matrix.on }}"', "true"),
        ("1${{ matrix.n }}", "15"),
        ("${{ matrix.n }}${{ matrix.n }}", "55"),
        ("|-\n  ${{ matrix.n }}", "5"),
        ("!!int ${{ matrix.n }}", 5),
        ("${NAME}/${{ matrix.field }}/x.h5", "cdfs/cdfs/x.h5"),
        ("${UNSET:-../data/${{ matrix.field }}}/x.h5", "../data/cdfs/x.h5"),
        ("${NAME:-../data/${{ matrix.field }}}/x.h5", "cdfs/x.h5"),
        ("${UNSET:-$${{ matrix.n }}}", "${{ matrix.n }}"),
        ("${{ matrix.tricky }}", MATRIX["tricky"]),
        ("'${{ matrix.tricky }}'", MATRIX["tricky"]),
        ("[1, '${{ matrix.n }}']", [1, "5"]),
    ],
)
def test_values_are_what_an_astronomer_means_with_variables_as_if_typed(read, text, value):
    document = read(f"a: {text}\n", environment=ENVIRONMENT, matrix=MATRIX)
    assert document.problems == ()
    assert document.values["a"] == value
    assert type(document.values["a"]) is type(value)


def test_keys_that_use_the_matrix_are_known(read):
    text = "a: ${{ matrix.n }}\nb: {c: ['${{ matrix.n }}', 2]}\nd: $${{ x }}\ne: ${{ matrix.n }}\n"
    document = read(text, "e=5", "f.g=${{ matrix.field }}", matrix=MATRIX)
    assert document.from_matrix == {("a",), ("b", "c", 0), ("f", "g")}
    assert document.values["f"] == {"g": "cdfs"}


def test_aliases_are_values_of_their_own(read):
    document = read("a: &x [1, {y: 2}]\nb: *x\n", "b.1.y=3")
    assert document.values == {"a": [1, {"y": 2}], "b": [1, {"y": 3}]}


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


# Slips


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: the file is empty"),
        ("# nothing yet\n\n", "1:1: the file is empty"),
        ("- a\n", "1:1: the file must hold keys and values, not a list"),
        ("\n  cdfs", "2:3: the file must hold keys and values, not a single value"),
        (b"a: 1\ntitle: \xfe", "2:8: the file is not UTF-8 text (byte 0xfe)"),
        ("a: µ\nµµ: ".encode() + b"\xff", "2:5: the file is not UTF-8 text (byte 0xff)"),
        (b"\x89HDF\r\n\x1a\n", "1:1: the file is not UTF-8 text (byte 0x89)"),
        ("a: 1\nb: x\x00y", "2:5: not YAML: the character U+0000 is not allowed"),
        ("a:\n\tb: 1", "2:1: not YAML: while scanning for the next token; found character '\\t'"),
        ("a:\n\tb: 1", "indent with spaces"),
        ("a: 1\n---\nb: 2", "3:1: a second document starts here"),
        ("a: b: c", "1:5: not YAML: mapping values are not allowed here"),
        ("title: CDFS: fluxes", "put quotes around a text with a colon"),
        ("a: [${BINS}]", 'put quotes around "${NAME}"'),
        ("a:\n  - b\n c: 1", "3:2: not YAML"),
        ("a: [1, 2\nb: 3", "2:2: not YAML"),
        ("a: 'x", "1:6: not YAML"),
        ("a: *b", "1:4: not YAML: found undefined alias 'b'"),
        ("title: *best", "put quotes around a text that starts with *"),
        ("a: @b", "1:4: not YAML"),
        ("a: &b [*b]", "1:4: an alias that contains itself"),
        ("a: &b\n  c: {d: *b}", "1:4: an alias that contains itself"),
        ("a: &a\n  <<: *a", "an alias that contains itself"),
        ("a: " + "[" * 100 + "]" * 100, "nested deeper than 60 levels"),
        *((f"a:\n {each * 5000}", "nested too deeply to read") for each in ("[", "{", "- ", "? ")),
        ("a: 1\n" * (MAX_BYTES // 5 + 1), "the file is larger than 1 MB"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_text_that_cannot_be_read_is_refused_with_its_place(refusal, text, said):
    assert said in refusal(text)


def test_a_missing_file_and_a_folder_are_said_so(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.yaml: there is no such file"):
        Source.read(tmp_path / "no.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        Source.read(tmp_path)


def test_a_huge_file_is_not_read_whole(path):
    path.touch()
    os.truncate(path, 2**40)  # takes no place on the disk, but would in memory
    with pytest.raises(ConfigError, match="too large to be a report's"):
        Source.read(path)


@pytest.mark.parametrize(
    ("first", "form", "said"),
    [
        ("[" + "x, " * 10 + "]", "[{}]", f"expand to over {MAX_NODES} values"),
        ("{x: 1}", "{{<<: [{}]}}", f"expand to over {MAX_NODES} values"),
    ],
)
def test_an_alias_bomb_is_refused_before_it_expands(refusal, first, form, said):
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{i}: &a{i} " + form.format(", ".join([f"*a{i - 1}"] * 10)) for i in range(1, 12)]
    assert said in refusal("\n".join(lines))


def test_a_long_chain_of_aliases_is_refused_and_not_a_crash(refusal):
    lines = ["a0: &a0 [1]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 2000))]
    assert "nested deeper than 60 levels" in refusal("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("b: {c: 1, c: 2}", "1:11: b.c: the key stands twice (first at 1:5)"),
        ("a:\n  <<: {x: 1, x: 2}", "2:14: a.x: the key stands twice (first at 2:8)"),
        ("a:\n  <<: 3", "2:7: a: << needs keys and values, or a list of such"),
        ("b:\n  <<: [{x: 1}, y]", "2:16: b: << needs keys and values, or a list of such"),
        ("a: !!python/object/apply:os.system [true]", "1:4: a: the tag !!python/object/apply:os"),
        ("a: !!python/object:os.x {b: 1}", "1:4: a: the tag !!python/object:os.x is not allowed"),
        ("a: !!python/name:os.system x", "1:4: a: the tag !!python/name:os.system"),
        ("!!python/name:os.system a: 1", "1:1: the tag !!python/name:os.system is not"),
        ("a: !secret ${BINS}", "1:4: a: the tag !secret is not allowed"),
        ("a: !!binary aGk=", "the tag !!binary is not allowed"),
        ("a: !!set {x, y}", "the tag !!set is not allowed"),
        ("a: !!bool maybe", "'maybe' cannot be read as bool"),
        ("a: !!int ''", "'' cannot be read as int"),
        ("a: !!int 1.5", "'1.5' cannot be read as int"),
        ("a: " + "9" * 6000, "cannot be read as int"),
        ("a: " + "9" * 400, "is larger than any number of a column"),
        ("a: 0x" + "f" * 9000, "is larger than any number of a column"),
        ("a: {{ matrix.x }}", "1:5: a: a key must be a word, not keys and values"),
        ("? [a, b]\n: 1", "1:3: a key must be a word, not a list"),
        ("'': 1", "1:1: a key is missing before the colon"),
        ('"a\\0": 1', "1:1: a key holds a control character"),
        ('a: "x\\0y"', "1:4: a: the text holds a control character"),
        ('a: "\\uD800"', "1:4: a: the text holds a control character"),
        ("a: ${NUL}", "1:4: a: the text holds a control character"),
        ("a: ${UNSET}", "1:4: a: the environment variable UNSET is not set"),
        ("a: 'x ${UNSET}'", "1:4: a: the environment variable UNSET is not set"),
        *((f"a: {each}", "after ${ comes a name") for each in ("${1X}", "${BINS-7}", "${B", "${}")),
        ("a: ${UNSET:-${BINS}}", "after ${ comes a name"),
        ("a: ${{ matrix.x }}", "1:4: a: there is no matrix: that ${{ matrix.x }} could be of"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_value_that_is_not_plain_is_named_with_its_place(found, text, said):
    (problem,) = found(text)
    assert said in problem


@pytest.mark.parametrize(
    ("text", "said"),
    cases("""
a: x¶b: ${{ matrix.feild }} | 2:4: b: unknown key of the matrix 'feild'; did you mean
b: ['${{ matix.field }}'] | 1:5: b[0]: unknown name 'matix.field'; did you mean 'matrix.
b: ${{ field }} | 1:4: b: unknown name 'field'
b: ${{ }} | 1:4: b: unknown name ''
b: ${{ matrix.field | 1:4: b: ${{ is never closed
b: ${{ matrix.field } | 1:4: b: ${{ is never closed
b: '${UNSET:-${{ matrix.field }' | 1:4: b: ${{ is never closed
b: ${UNSET:-${{ matrix.feild }}} | 1:4: b: unknown key of the matrix 'feild'
b: ${NAME:-${{ matrix.feild }}} | 1:4: b: unknown key of the matrix 'feild'
b: ${{ matrix.n + 1 }} | 1:4: b: unknown name 'matrix.n + 1'
b: ${{ matrix.__class__ }} | 1:4: b: unknown key of the matrix '__class__'
${{ matrix.field }}: x | 1:1: ${{ … }} can stand in a value
"""),
)
def test_what_the_matrix_does_not_have_is_named_with_its_place(found, text, said):
    (problem,) = found(text, matrix=MATRIX)
    assert said in problem


def test_all_problems_are_reported_at_once(found):
    text = "a: ${NO}\nb: !x 1\nb: 2\nc: ['${NO2}']\na: 3\n"
    assert [re.split(": |:[0-9]", said)[0] for said in found(text, "d=[", "e")] == [
        "1",
        "2",
        "3",
        "4",
        "5",
        "--set d=[",
        "--set e",
    ]


# Overrides

START = "report: {id: cdfs, authors: [Ann, Bea]}\nbins: 3\n"


@pytest.mark.parametrize(
    ("override", "keys", "value"),
    [
        ("bins=5", ("bins",), 5),
        ("bins='5'", ("bins",), "5"),
        ("bins=", ("bins",), ""),
        ("bins=null", ("bins",), None),
        ("bins=a=b", ("bins",), "a=b"),
        ("bins=${BINS}", ("bins",), 20),
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
    document = read(START, override, environment=ENVIRONMENT)
    assert document.problems == ()
    set_value = document.values
    for key in keys:
        set_value = set_value[key]
    assert set_value == value
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
        (f"report.authors.{'9' * 5000}=x", "report.authors is a list"),
        ("bins=${UNSET}", "bins: the environment variable UNSET is not set"),
        ("bins=!!python/name:os.x y", "bins: the tag !!python/name:os.x is not allowed"),
        ("bins={a: 1, a: 2}", "bins.a: the key stands twice"),
    ],
    ids=lambda value: value[:30],
)
def test_an_override_that_cannot_be_read_is_named(found, override, said):
    (problem,) = found(START, override)
    assert problem.startswith("--set ")
    assert said in problem


# Any text

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
    as_text = written(value).join(parts)
    assert variables.fill(text) == as_text
    assert scalar(yaml.ScalarNode("tag:yaml.org,2002:str", text, style='"'), variables) == as_text
    exact = yaml.ScalarNode("tag:yaml.org,2002:str", "${{ matrix.v }}")
    assert scalar(exact, variables) is value


@given(st.text(st.sampled_from("${}matrix.v:- A")))
def test_any_text_is_filled_in_or_refused(text):
    with suppress(ValueError):
        filled = Variables({"A": "x"}, {"v": "${A}"}).fill(text)
        assert "${{" not in filled or "$${{" in text


@given(st.text(max_size=80) | st.binary(max_size=80), st.lists(st.text(max_size=20), max_size=2))
def test_any_text_is_a_document_or_a_config_error(tmp_path_factory, text, overrides):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    with suppress(ConfigError):
        assert isinstance(Source.read(path).document(overrides, ENVIRONMENT).values, dict)
