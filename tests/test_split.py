"""Splits: naive counts, independence of the order of other users, and the words for them."""

import re

import numpy as np
import pytest
from hypothesis import given, strategies as st

from beyondacc.data.split import by_time, holdout, leave_one_out, make_split
from beyondacc.errors import DataError, SpecError

USERS = st.lists(st.integers(0, 6), min_size=2, max_size=60).filter(lambda users: len(set(users)) < len(users))


@given(USERS, st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.integers(-3, 10**12))
def test_holdout_takes_the_share_of_each_user(users, fraction, seed):
    users = np.array(users, dtype=np.int32)
    wanted = {user: min(int(fraction * count + 0.5 + 1e-9), count - 1) for user, count in enumerate(np.bincount(users))}
    if not any(wanted[user] > 0 for user in users):
        with pytest.raises(DataError, match="the split holdout leaves the test set empty"):
            holdout(users, fraction, seed)
        return
    mask = holdout(users, fraction, seed)
    assert (mask.dtype, mask.shape) == (np.bool_, users.shape)
    assert {user: int(mask[users == user].sum()) for user in set(users.tolist())} == {
        u: wanted[u] for u in set(users.tolist())
    }
    assert np.array_equal(mask, holdout(users.astype(np.int64), fraction, seed))


@given(USERS, st.randoms())
def test_a_user_does_not_depend_on_the_rows_of_others(users, random):
    users = np.array(users)
    order = list(range(len(users)))
    random.shuffle(order)
    # rows of one user keep their order, users are mixed anew
    queues = {user: iter(np.flatnonzero(users == user)) for user in set(users.tolist())}
    order = np.array([next(queues[users[row]]) for row in order])
    for split in (lambda codes: holdout(codes, 0.5, 3), lambda codes: leave_one_out(codes, seed=3)):
        assert np.array_equal(split(users)[order], split(users[order]))
    more = np.append(users, [7, 7, 7])
    assert np.array_equal(holdout(more, 0.5, 3)[: len(users)], holdout(users, 0.5, 3))


def test_halves_go_up_and_rounding_noise_does_not_matter():
    assert holdout(np.zeros(5, int), 0.1).sum() == 1
    assert 0.29 * 50 < 14.5
    assert holdout(np.zeros(50, int), 0.29).sum() == 15
    assert holdout(np.zeros(2, int), 0.99).sum() == 1


def test_seeds_differ_and_the_choice_is_uniform():
    users = np.repeat(np.arange(4000), 5)
    masks = [holdout(users, 0.2, seed) for seed in range(3)]
    assert not np.array_equal(masks[0], masks[1])
    for mask in (*masks, leave_one_out(users, seed=1)):
        places = np.flatnonzero(mask) % 5
        # 4000 draws from five places: 800 each, standard deviation 25
        assert np.abs(np.bincount(places, minlength=5) - 800).max() < 130
    # the choices of two seeds agree for a fifth of the users, as independent ones do
    agree = (masks[0] & masks[1]).sum() / 4000
    assert abs(agree - 0.2) < 0.04


@given(USERS, st.data())
def test_leave_one_out_takes_the_last(users, data):
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(users), max_size=len(users)))
    expected = set()
    for user in set(users):
        rows = [row for row in range(len(users)) if users[row] == user]
        if len(rows) > 1:
            expected.add(max(rows, key=lambda row: (times[row], row)))
    users = np.array(users)
    assert set(np.flatnonzero(leave_one_out(users, np.array(times, float)))) == expected
    drawn = leave_one_out(users, seed=data.draw(st.integers(0, 99)))
    assert sorted(users[drawn]) == sorted(user for user, count in enumerate(np.bincount(users)) if count > 1)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40), st.sampled_from([0.05, 0.2, 0.5, 0.95]))
def test_by_time_cuts_once_for_all(times, fraction):
    ordered = sorted(times)
    kept = len(times) - int(len(times) * fraction + 0.5 + 1e-9)
    last = ordered[max(kept - 1, 0)]
    if last == ordered[-1]:
        with pytest.raises(
            DataError, match=f"^the split by-time leaves the test set empty: no row is later than {last}; "
        ):
            by_time(np.array(times), fraction)
        return
    assert by_time(np.array(times), fraction).tolist() == [time > last for time in times]


def test_by_time_keeps_ties_together():
    assert by_time(np.array([3, 1, 2, 2, 2, 5]), 0.5).tolist() == [True, False, False, False, False, True]
    message = "the split by-time needs a timestamp column; pass one, or split by holdout or leave-one-out"
    with pytest.raises(DataError, match=f"^{message}$"):
        by_time(None)


def test_nothing_to_hold_out():
    with pytest.raises(
        DataError, match=r"^the split holdout leaves the test set empty: with fraction=0\.1 no user has enough"
    ):
        holdout(np.array([0, 0, 1]), 0.1)
    with pytest.raises(
        DataError, match=r"^the split leave-one-out leaves the test set empty: no user has two rows; pass"
    ):
        leave_one_out(np.array([0, 1, 5]))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("holdout", "holdout"),
        ("holdout(fraction=0.2)", "holdout"),
        ("holdout(fraction=.3)", "holdout(fraction=0.3)"),
        (" leave-one-out ", "leave-one-out"),
        ("leave_one_out()", "leave-one-out"),
        ("by-time( fraction = 0.1 )", "by-time(fraction=0.1)"),
    ],
)
def test_splits_have_words(text, written):
    split = make_split(text)
    assert str(split) == written
    assert make_split(str(split)) == split


def test_words_do_what_the_functions_do():
    users, times = np.array([0, 0, 0, 0, 1, 1]), np.array([4.0, 1, 2, 3, 6, 5])
    assert np.array_equal(make_split("holdout(fraction=0.5)").mask(users, None, 4), holdout(users, 0.5, 4))
    assert np.array_equal(make_split("leave-one-out").mask(users, times, 4), leave_one_out(users, times))
    assert np.array_equal(make_split("leave-one-out").mask(users, None, 4), leave_one_out(users, seed=4))
    assert np.array_equal(make_split("by-time(fraction=0.5)").mask(users, times, 4), by_time(times, 0.5))
    with pytest.raises(DataError, match="needs a timestamp column"):
        make_split("by-time").mask(users, None, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hold-out", "there is no split 'hold-out'; did you mean holdout?"),
        ("xyz", "there is no split 'xyz'; known are by-time, holdout or leave-one-out"),
        ("holdout@3", "the split 'holdout@3' has a cutoff @3; write it without"),
        ("holdout(fraction=1)", "the split holdout: fraction='1' is not allowed; fraction must be a number in (0, 1)"),
        ("holdout(share=0.1)", "the split holdout has no parameter 'share'; known are fraction"),
        ("leave-one-out(fraction=0.1)", "the split leave-one-out has no parameter 'fraction'; it takes none"),
        ("holdout(", "'holdout(' cannot be read"),
    ],
)
def test_words_that_mean_nothing(text, message):
    with pytest.raises(SpecError, match=re.escape(message)):
        make_split(text)
