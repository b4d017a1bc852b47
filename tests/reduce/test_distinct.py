from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from splitting import NAN, split, splits, table, whole

from reportgen.config.expressions import parse
from reportgen.data.dataset import TEXT, as_values
from reportgen.reduce.base import Chunk
from reportgen.reduce.column_digest import ColumnDigest
from reportgen.reduce.distinct import MOST_DISTINCT, Distinct, DistinctValues

WORDS = st.lists(st.sampled_from(["el1", "cdfs", "", "É", "a text of more than fifteen bytes"]))


def texts(words):
    return as_values(np.array(words, dtype=object), ())


def test_the_commonest_values_come_first_and_equally_common_ones_in_order():
    columns = {"a": texts(["b", "c", "a", "c", None, ""]), "b": np.arange(6.0)}
    expected = DistinctValues(3, (("c", 2), ("a", 1), ("b", 1)), 4, 2)
    assert split(Distinct("a"), columns, [], []) == expected
    where = Distinct("a", parse("b < 3"), commonest=1)
    assert split(where, columns, [], []) == DistinctValues(3, (("a", 1),), 3, 0)


@given(WORDS, splits)
def test_texts_are_counted_however_the_rows_are_split(words, parts):
    found = split(Distinct("a"), {"a": texts(words)}, *parts)
    expected = Counter(word for word in words if word)
    assert found.number == len(expected)
    assert dict(found.commonest) == expected
    assert found.missing == words.count("")


@given(st.lists(st.sampled_from([2**60, 2**60 + 1, -1, 0, 5])), splits)
def test_integers_are_told_apart_by_all_their_digits(values, parts):
    rows = as_values(np.array(values, np.int64), ())
    chunk = Chunk({"a": rows}, len(values))
    found = Distinct("a").finish(Distinct("a").update(Distinct("a").start(), chunk))
    assert dict(found.commonest) == Counter(values)


def test_beyond_some_number_it_is_only_known_that_there_are_more():
    assert whole(Distinct("a"), table(a=np.arange(MOST_DISTINCT))).number == MOST_DISTINCT
    found = whole(Distinct("a"), table(a=[*range(MOST_DISTINCT + 1), NAN]))
    assert found == DistinctValues(None, (), MOST_DISTINCT + 1, 1)


def test_the_digest_of_a_text_column_tells_its_values():
    def digest(*words):
        columns = {"a": texts(words)}
        assert columns["a"].dtype == TEXT
        return split(ColumnDigest("a"), columns, [], [])

    assert digest("a", "b") == digest("a", "b") != digest("ab", "")
