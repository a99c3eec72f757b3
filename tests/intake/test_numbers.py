"""Numbers beyond their type: gains of 2^g, whole numbers beyond 2^53, groups of any type of number."""

from __future__ import annotations

import math
import re
from decimal import Decimal, localcontext

import numpy as np
import pandas as pd
import polars as pl
import pytest
from draws import draws
from hypothesis import given, settings, strategies as st

import beyondacc as ba
from beyondacc.data.columns import as_floats, plain
from beyondacc.data.groups import column_groups, read_users
from beyondacc.errors import DataError, SpecError


def exact_ndcg(listed, gains, k, ideal):
    """By decimals of 60 digits, whose exponents are large enough; only the discounts are rounded."""
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 60, 10**17, -(10**17)
        worth = {item: Decimal(2) ** Decimal(gain) - 1 for item, gain in gains.items()}
        discounts = [1 / Decimal(math.log2(rank + 2)) for rank in range(k)]
        found = sum(worth.get(item, 0) * discounts[rank] for rank, item in enumerate(listed[:k]))
        ordered = sorted(worth.values(), reverse=True)[:k]
        best = [ordered[0]] * k if ideal == "full" else ordered
        most = sum(gain * discount for gain, discount in zip(best, discounts, strict=False))
        return float(found / most) if most else 0.0


GAINS = st.one_of(
    st.integers(0, 20),
    st.integers(990, 1030),
    st.integers(0, 10**6),
    st.floats(0, 5000),
    st.sampled_from([0, 1, 1000, 1023, 1024]),
)


@pytest.mark.kernel
@settings(max_examples=draws(60), deadline=None)
@given(
    st.dictionaries(st.integers(1, 4), st.dictionaries(st.integers(1, 6), GAINS, min_size=1), min_size=1),
    st.permutations(range(1, 7)),
    st.integers(1, 6),
    st.sampled_from(["achievable", "full"]),
)
def test_exponential_gains_of_any_size(truth, listed, k, ideal):
    name = f"ndcg(gain=exp, ideal={ideal})@{k}"
    # an item judged with 0 is judged all the same; whether it is relevant is not asked here
    truth = {user: {item: max(gain, 0.5) for item, gain in rows.items()} for user, rows in truth.items()}
    data = ba.Dataset(test=truth)
    report = ba.evaluate(dict.fromkeys(truth, listed), data, name, n_boot=0)
    expected = [exact_ndcg(listed, truth[user], k, ideal) for user in truth]
    assert report.value(name) == pytest.approx(np.mean(expected), rel=1e-9, abs=1e-12)


@pytest.mark.kernel
def test_play_counts_as_exponential_gains():
    recs = pd.DataFrame({"user_id": [1, 1, 2], "item_id": [10, 12, 11], "score": [2, 1, 1]})
    test = pd.DataFrame({"user_id": [1, 1, 2], "item_id": [12, 10, 11], "rating": [13883, 1, 3]})
    report = ba.evaluate(recs, ba.Dataset(test=test), "ndcg(gain=exp)@2", n_boot=0)
    assert report.value("ndcg(gain=exp)@2") == pytest.approx((1 / math.log2(3) + 1) / 2, rel=1e-12)
    data = ba.Dataset(test=test)
    with pytest.raises(
        DataError, match=re.escape("the dcg(gain=exp) of user 1 is beyond what float64 can hold; use ndcg,")
    ):
        ba.evaluate(recs, data, "dcg(gain=exp)@2", n_boot=0)
    assert ba.evaluate(recs, data, "dcg(gain=exp)@1", n_boot=0).value("dcg(gain=exp)@1") == 4  # 1 and 7


@pytest.mark.kernel
def test_linear_gains_whose_sums_are_infinite():
    large = ba.Dataset(test={"u": {"a": 1.5e308, "b": 1e308, "c": 0.5e308}, "v": {"a": 3.0, "b": 2.0, "c": 1.0}})
    small = ba.Dataset(test={user: {"a": 3.0, "b": 2.0, "c": 1.0} for user in "uv"})
    lists = {user: ["b", "c", "a"] for user in "uv"}
    values = [ba.evaluate(lists, data, "ndcg@3", n_boot=0).value("ndcg@3") for data in (large, small)]
    assert values[0] == pytest.approx(values[1], rel=1e-12)
    with pytest.raises(DataError, match=re.escape("the dcg(gain=linear) of user 'u' is beyond what float64 can hold")):
        ba.evaluate(lists, large, "dcg@3", n_boot=0)


@settings(max_examples=draws(80), deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5))
def test_whole_numbers_are_kept_or_refused(numbers):
    kept = all(int(float(number)) == number for number in numbers)
    columns = [pd.Series(numbers), pd.Series(numbers, dtype="Int64"), pd.Series(numbers, dtype=object)]
    columns += [pd.Series(list(map(Decimal, numbers)), dtype=object)]
    if min(numbers) >= 0:
        columns.append(pd.Series(numbers, dtype="uint64"))
    for column in columns:
        if kept:
            assert as_floats(column, "column 'score' of recs").tolist() == numbers
        else:
            row, odd = next((row, number) for row, number in enumerate(numbers) if int(float(number)) != number)
            message = f"column 'score' of recs holds {odd} in row {row} (rows count from 0), which float64 rounds to"
            with pytest.raises(DataError, match=re.escape(message)):
                as_floats(column, "column 'score' of recs")


def test_unsigned_numbers_do_not_wrap():
    for dtype in ("uint8", "int8", "uint16", "uint64"):
        column = pd.Series([127, 3], dtype=dtype)
        train = pd.DataFrame({"user": column, "item": column, "rating": column})
        for source in (train, pl.from_pandas(train)):
            data = ba.Dataset(train=source)
            assert sorted(data.users.ids.tolist()) == sorted(data.items.ids.tolist()) == [3, 127]
            assert sorted(data.train.values.tolist()) == [3.0, 127.0]
    for large in (2**63, 2**64 - 1):
        ids = pd.Series([1, large], dtype="uint64")
        with pytest.raises(DataError, match=f"holds {large}"):
            read_users(pd.DataFrame({"user": ids, "group": ["a", "b"]}), None)


# ---------------------------------------------------------------- groups


WHOLE = [3, 1, 250, 1]
NUMBERS = {
    "int64": pd.Series(WHOLE),
    "uint8": pd.Series(WHOLE, dtype="uint8"),
    "float64": pd.Series(WHOLE, dtype="float64"),
    "nullable": pd.Series(WHOLE, dtype="UInt8"),
    "decimals": pd.Series([Decimal(3), Decimal("1.0"), Decimal("2.5e2"), Decimal(1)], dtype=object),
    "objects": pd.Series(WHOLE, dtype=object),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_of_any_type_name_the_same_groups(kind):
    assert column_groups(NUMBERS[kind], "c")[1] == ["1", "3", "250"]
    assert column_groups(NUMBERS[kind], "c")[0].tolist() == [1, 0, 2, 0]
    codes, names = column_groups(NUMBERS[kind].reindex(range(5)), "c")  # a row without a value
    assert names == ["1", "3", "250"]
    assert codes.tolist() == [1, 0, 2, 0, -1]


@pytest.mark.parametrize(
    ("values", "codes", "names"),
    [
        (pd.Series([True, False, None]), [1, 0, -1], ["False", "True"]),
        (pd.Series([True, False, None], dtype="boolean"), [1, 0, -1], ["False", "True"]),
        (pd.Series(["b", "NA", "", None]), [1, 0, -1, -1], ["NA", "b"]),
        (pd.Series([1, "1", "b"], dtype=object), [0, 0, 1], ["1", "b"]),
        (pd.Series([1.5, float("inf")]), [0, 1], ["1.5", "inf"]),
        (pd.Series(["x", "y"], dtype="category"), [0, 1], ["x", "y"]),
    ],
)
def test_other_groups(values, codes, names):
    found = column_groups(values, "c")
    assert found[0].tolist() == codes
    assert found[1] == names


@pytest.mark.parametrize("values", [[["a"], ["b"]], [{"a": 1}], [{"a"}]])
def test_what_cannot_be_a_group_is_refused(values):
    for column in (pd.Series(values), *([] if isinstance(values[0], set) else [pl.Series(values).to_arrow()])):
        series = column if isinstance(column, pd.Series) else plain(column)
        with pytest.raises(SpecError, match="c holds lists or other values that cannot be groups"):
            column_groups(series, "c")


def test_large_numbers_are_groups_of_their_own():
    """A table that lacks some of the users or items makes floats of its columns, which would join two providers."""
    large = [2**60, 2**60 + 1]
    items = pd.DataFrame({"item_id": ["a", "b"], "provider": large})
    data = ba.Dataset(
        train={"u": ["a", "b", "new"], "v": ["a"]}, items=items, users=pd.DataFrame({"user": ["u"], "n": large[:1]})
    )
    assert column_groups(data.item_table["provider"], "c")[1] == list(map(str, large))
    assert column_groups(data.user_table["n"].reindex(["u", "v"]), "c")[1] == [str(large[0])]
