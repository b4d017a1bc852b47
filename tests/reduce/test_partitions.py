import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.reduce.partitions import merge_pairwise, parts


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
