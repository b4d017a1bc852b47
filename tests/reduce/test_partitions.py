import pytest
from hypothesis import given
from hypothesis import strategies as st
from splitting import bits, ordinary, tables

from reportgen.reduce.base import Chunk
from reportgen.reduce.column_digest import ColumnDigest
from reportgen.reduce.moments import MeanStd, Pearson
from reportgen.reduce.partitions import merge_pairwise, parts

KINDS = [MeanStd("a"), Pearson(("a", "b")), ColumnDigest("a")]


@given(st.integers(0, 50), st.integers(0, 200), st.integers(1, 30))
def test_parts_follow_each_other_and_cover_every_row(start, rows, size):
    found = list(parts(range(start, start + rows), size))
    assert [row for part in found for row in part] == list(range(start, start + rows))
    assert all(len(part) == size for part in found[:-1])
    assert len(found) == max(1, -(-rows // size))


def joined(first, second):
    return f"({first}{second})"


@pytest.mark.parametrize(
    ("states", "tree"),
    [
        ("a", "a"),
        ("ab", "(ab)"),
        ("abc", "((ab)c)"),
        ("abcde", "(((ab)(cd))e)"),
        ("abcdefg", "(((ab)(cd))((ef)g))"),
    ],
)
def test_states_are_merged_two_by_two(states, tree):
    assert merge_pairwise(states, joined) == tree


def test_no_states_cannot_be_merged():
    with pytest.raises(ValueError, match="no states"):
        merge_pairwise([], joined)


@given(st.integers(1, 70), st.integers(0, 6))
def test_any_grouping_into_tasks_gives_the_same_tree(leaves, power):
    states = [chr(ord("A") + number) for number in range(leaves)]
    tasks = [states[part.start : part.stop] for part in parts(range(leaves), 2**power)]
    grouped = merge_pairwise([merge_pairwise(task, joined) for task in tasks], joined)
    assert grouped == merge_pairwise(states, joined)


@given(tables(values=ordinary | st.floats(-1e9, 1e9)), st.integers(1, 9), st.integers(0, 4))
def test_sums_have_the_same_bytes_for_any_grouping_into_tasks(columns, leaf, power):
    for kind in KINDS:

        def state(rows, kind=kind):
            part = {name: columns[name][rows.start : rows.stop] for name in kind.columns}
            return kind.update(kind.start(), Chunk(part, len(rows)))

        rows = range(len(columns["a"]))
        leaves = [state(each) for each in parts(rows, leaf)]
        tasks = [leaves[each.start : each.stop] for each in parts(range(len(leaves)), 2**power)]
        whole = kind.finish(merge_pairwise(leaves, kind.merge))
        grouped = merge_pairwise([merge_pairwise(task, kind.merge) for task in tasks], kind.merge)
        assert bits(kind.finish(grouped)) == bits(whole)
