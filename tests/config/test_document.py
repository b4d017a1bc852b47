"""YAML text to values with places: variables filled in, overrides set, slips named."""

import os
import threading
from contextlib import suppress

import pytest
import yaml
from cases import cases
from hypothesis import given
from hypothesis import strategies as st

from reportgen.config.document import MAX_BYTES, Source
from reportgen.config.nodes import MAX_NODES
from reportgen.errors import ConfigError, ExitCode

ENVIRONMENT = {
    "BINS": "20",
    "EMPTY": "",
    "NAME": "cdfs",
    "NESTED": "${BINS}",
    "NUL": "a\x00",
}
MATRIX = {
    "field": "cdfs",
    "n": 5,
    "x": 0.5,
    "on": True,
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


def test_a_byte_order_mark_is_no_part_of_the_first_key(read, path):
    document = read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert document.values == {"a": 1, "b": 2}
    assert document.place(("b",)) == f"{path}:2:1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-23", "2026-11-23"),
        ("03:32:28", "03:32:28"),
        ("<<", "<<"),
        ("010", 10),
        ("-0077", -77),
        ("0x1f", 31),
        ("yes", True),
        ("~", None),
        ("", None),
        ("'5'", "5"),
        ("µJy", "µJy"),
        ("${BINS}", 20),
        ("'${BINS}'", "20"),
        ("!!str ${BINS}", 20),
        ("${EMPTY}", None),
        ("${EMPTY:-7}", 7),
        ("${UNSET:-7}", 7),
        ("${BINS:-7}", 20),
        ("x${BINS}y${NAME}", "x20ycdfs"),
        ("$${BINS}", "${BINS}"),
        ("$${{ matrix.x }}", "${{ matrix.x }}"),
        ("${NESTED}", "${BINS}"),  # what a variable holds is not looked into
        ("|-\n  ${BINS}", "20"),
        ("${{ matrix.field }}", "cdfs"),
        ("${{matrix.n}}", 5),
        ("${{ matrix.on }}", True),
        ("'${{ matrix.n }}'", "5"),
        ('"${{ matrix.on }}"', "true"),
        ("${{ matrix.n }}${{ matrix.n }}", "55"),
        ("!!int ${{ matrix.n }}", 5),
        ("${UNSET:-../data/${{ matrix.field }}}/x.h5", "../data/cdfs/x.h5"),
        ("${UNSET:-$${{ matrix.n }}}", "${{ matrix.n }}"),
        ("${{ matrix.tricky }}", MATRIX["tricky"]),
        ("[1, '${{ matrix.n }}']", [1, "5"]),
    ],
)
def test_values_are_what_an_astronomer_means_with_variables_as_if_typed(read, text, value):
    document = read(f"a: {text}\n", environment=ENVIRONMENT, matrix=MATRIX)
    assert document.problems == ()
    assert document.values["a"] == value
    assert type(document.values["a"]) is type(value)


def test_keys_where_defaults_stand_in_for_variables_that_are_not_set_are_known(read):
    text = (
        "a: ${UNSET:-x}\nb: ['${BINS:-7}', '${EMPTY:-1}${UNSET:-2}']\nc: ${UNSET:-y}\nd: $${A:-b}\n"
    )
    document = read(text, "c=plain", "e.f=${UNSET:-z}", environment=ENVIRONMENT)
    expected = {("a",): ("UNSET",), ("b", 1): ("EMPTY", "UNSET"), ("e", "f"): ("UNSET",)}
    assert document.unset == expected


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
        ("- a\n", "1:1: the file must hold keys and values, not a list"),
        ("\n  cdfs", "2:3: the file must hold keys and values, not a single value"),
        (b"a: 1\ntitle: \xfe", "2:8: the file is not UTF-8 text (byte 0xfe)"),
        ("a: µ\nµµ: ".encode() + b"\xff", "2:5: the file is not UTF-8 text (byte 0xff)"),
        ("a: 1\nb: x\x00y", "2:5: not YAML: the character U+0000 is not allowed"),
        ("a:\n\tb: 1", "indent with spaces"),
        ("a: 1\n---\nb: 2", "3:1: a second document starts here"),
        ("a: b: c", "1:5: not YAML: mapping values are not allowed here"),
        ("title: CDFS: fluxes", "put quotes around a text with a colon"),
        ("a: [${BINS}]", 'put quotes around "${NAME}"'),
        ("a: [1, 2\nb: 3", "2:2: not YAML"),
        ("title: *best", "put quotes around a text that starts with *"),
        ("a: &b [*b]", "1:4: an alias that contains itself"),
        ("a: " + "[" * 100 + "]" * 100, "nested deeper than 60 levels"),
        *((f"a:\n {each * 5000}", "nested too deeply to read") for each in ("[", "? ")),
        ("a: 1\n" * (MAX_BYTES // 5 + 1), "too large to be a report's"),
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


def test_a_pipe_is_waited_for_but_not_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("reportgen.config.document.PIPE_SECONDS", 0.1)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="nothing comes through this pipe"):
        Source.read(path)
    writer = os.open(path, os.O_RDWR)
    os.write(writer, b"a: 1\n")
    threading.Timer(0.3, os.close, [writer]).start()
    assert Source.read(path).text == "a: 1\n"


@pytest.mark.parametrize("form", ["[{}]", "{{<<: [{}]}}"])
def test_an_alias_bomb_is_refused_before_it_expands(refusal, form):
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i}: &a{i} " + form.format(", ".join([f"*a{i - 1}"] * 10)) for i in range(1, 12)]
    assert f"expand to over {MAX_NODES} values" in refusal("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("b: {c: 1, c: 2}", "1:11: b.c: the key stands twice (first at 1:5)"),
        ("a:\n  <<: 3", "2:7: a: << needs keys and values, or a list of such"),
        ("a: !!python/object/apply:os.system [true]", "1:4: a: the tag !!python/object/apply:os"),
        ("!!python/name:os.system a: 1", "1:1: the tag !!python/name:os.system is not"),
        ("a: !secret ${BINS}", "1:4: a: the tag !secret is not allowed"),
        ("a: !!bool maybe", "'maybe' cannot be read as bool"),
        ("a: " + "9" * 6000, "cannot be read as int"),
        ("a: " + "9" * 400, "is larger than any number of a column"),
        ("a: {{ matrix.x }}", "1:5: a: a key must be a word, not keys and values"),
        ("'': 1", "1:1: a key is missing before the colon"),
        ('a: "x\\0y"', "1:4: a: the text holds a control character"),
        ("a: ${NUL}", "1:4: a: the text holds a control character"),
        ("a: ${UNSET}", "1:4: a: the environment variable UNSET is not set"),
        *(
            (f"a: {each}", "after ${ comes a name")
            for each in ("${BINS-7}", "${B", "${N:-${B}}", "${A:-" * 99999)
        ),
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
b: ${{ field }} | 1:4: b: unknown name 'field'
b: ${{ matrix.field | 1:4: b: ${{ is never closed
b: ${UNSET:-${{ matrix.feild }}} | 1:4: b: unknown key of the matrix 'feild'
b: ${{ matrix.n + 1 }} | 1:4: b: unknown name 'matrix.n + 1'
${{ matrix.field }}: x | 1:1: ${{ … }} can stand in a value
"""),
)
def test_what_the_matrix_does_not_have_is_named_with_its_place(found, text, said):
    (problem,) = found(text, matrix=MATRIX)
    assert said in problem


# Overrides

START = "report: {id: cdfs, authors: [Ann, Bea]}\nbins: 3\n"


@pytest.mark.parametrize(
    ("override", "keys", "value"),
    [
        ("bins=5", ("bins",), 5),
        ("bins=${BINS}", ("bins",), 20),
        (" report.id =x", ("report", "id"), "x"),
        ("report.authors.1=Cat", ("report", "authors", 1), "Cat"),
        ("report.authors[1]=Cat", ("report", "authors", 1), "Cat"),
        ("report.id={a: [1]}", ("report", "id"), {"a": [1]}),
        ("report.id.deep=1", ("report", "id", "deep"), 1),
        ("new.block.key=1", ("new", "block", "key"), 1),
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


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("bins", "write --set key.path=value"),
        ("a..b=5", "write --set key.path=value"),
        ("bins=[", "the value is not YAML"),
        ("bins=" + "[" * 5000, "the value is nested too deeply to read"),
        ("report.authors.2=x", "report.authors is a list; after it comes a number from 0 to 1"),
        ("report.authors.²=x", "report.authors is a list"),
        ("bins=${UNSET}", "bins: the environment variable UNSET is not set"),
        ("bins=!!python/name:os.x y", "bins: the tag !!python/name:os.x is not allowed"),
    ],
    ids=lambda value: value[:30],
)
def test_an_override_that_cannot_be_read_is_named(found, override, said):
    (problem,) = found(START, override)
    assert problem.startswith("--set ")
    assert said in problem


# Any text


@given(st.text(max_size=80) | st.binary(max_size=80), st.lists(st.text(max_size=20), max_size=2))
def test_any_text_is_a_document_or_a_config_error(tmp_path_factory, text, overrides):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    with suppress(ConfigError):
        assert isinstance(Source.read(path).document(overrides, ENVIRONMENT).values, dict)
