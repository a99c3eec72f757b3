"""Each guess about a text, as a table: what its lines say, and where nothing is certain."""

import io

import numpy as np
import pandas as pd
import pytest
from draws import draws

from beyondacc.data.intake.files.guesses import has_header, is_recbole, movielens_kind, separator, split, trec_kind
from beyondacc.data.intake.files.header import labels_of, list_layout
from beyondacc.data.intake.files.lists import as_tokens
from beyondacc.data.intake.files.text import Watched, _odd_numbers, encoding_of
from beyondacc.data.intake.numbers import as_numbers, exact_integers, has_decimal_commas, rounded
from beyondacc.data.intake.roles import given_names, positions, role_of


@pytest.mark.parametrize(
    ("lines", "usual", "found"),
    [
        (["user_id,item_id", "1,2"], ",", ","),
        (["user_id;item_id", "1;2"], ",", ";"),
        (["user_id,item_id", "1,2"], "\t", ","),
        (["user_id;item_id;score", "1;2;3,5"], ",", ";"),
        (["1;2;3,5", "1;2;2,5"], ",", None),
        (["item_id", "4"], ",", None),
        (["item_id,title", '1,"a, b"'], None, ","),
        (["1::Toy Story, The::Comedy", "2::Heat::Crime"], None, "::"),
        (["item_id|title", "1|a,b"], None, "|"),
        (["userid itemid rating", "1 2 3"], None, r"\s+"),
        (["a b c", "1 2 3"], None, None),
        (["a,b;c", "1,2;3"], None, None),
        (["u\t1", "u\t2"], None, "\t"),
    ],
)
def test_separator(lines, usual, found):
    assert separator([line.replace("userid", "userId").replace("itemid", "itemId") for line in lines], usual) == found


@pytest.mark.parametrize(
    ("text", "given", "found"),
    [
        ("user_id,item_id|1,2", {}, True),
        ("USER,Item|a,b", {}, True),
        ("kunde,artikel|a,b", {"user": "kunde"}, True),
        ("kunde,artikel|a,b", {}, None),
        ("kunde,menge|a,3", {}, True),  # a column of numbers has a name
        ("u1,i1,3.0|u1,i2,2.0", {}, False),
        ("1,14|1,15", {}, False),
        ("u1,i1|u1,i2", {}, False),  # u1 comes again
        ("u,14,3.0|v,15,2.0", {}, None),  # "u" is a name, and may be an id
        ("0,1,2|5,14,3.0", {}, None),  # the names of pandas, or numbers
        ("item_id,0,1,2|5,.1,.2,.3", {}, True),
        ("3|4", {}, False),
        ("item_id|", {}, True),
    ],
)
def test_has_header(text, given, found):
    rows = [line.split(",") for line in text.split("|") if line]
    assert has_header(rows, given_names(given)) is found


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["q1 Q0 d1 1 0.9 x", "q1\tQ0\td2 2 -1e3 x"], "trec-run"),
        (["q1 0 d1 1", "q1 0 d2 -2"], "qrels"),
        (["q1 0 d1 1.5"], None),
        (["1 242 3 881250949"], None),
        (["1 0 3 881250949"], None),  # a time is no grade
        (["q1 Q0 d1 1 0.9"], None),
        (["q1 Q0 d1 a 0.9 x"], None),
    ],
)
def test_trec_kind(lines, found):
    assert trec_kind(lines) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("user_id:token\titem_id:token", "\t"),
        ("user_id:token,rating:float", ","),
        ("item_id:token", "\t"),
        ("user_id:token,rating", None),
        ("12:30,13:45", None),
        ("user_id,item_id", None),
    ],
)
def test_is_recbole(line, found):
    assert is_recbole(line) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("1\t2\t3\t4", "u.data"),
        ("1::2::3.5::4", "ratings.dat"),
        ("1::F::1::10::48067", "users.dat"),
        ("1::A :: b::Drama", "movies.dat"),
        ("1|24|M|technician|85711", "u.user"),
        ("1|" * 23 + "0", "u.item"),
        ("1,2", None),
    ],
)
def test_movielens_kind(line, found):
    assert movielens_kind(line) == found


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["[14, 12]", "[]"], [["14", "12"], []]),
        (["['a b', \"it's\"]", "(1,)"], [["a b", "it's"], ["1"]]),
        (["[007 12]", "[np.int64(3), np.float64(0.5)]"], [["007", "12"], ["3", "0.5"]]),
        (["14 12", "3"], [["14", "12"], ["3"]]),
        (["14|12", "3|4"], [["14", "12"], ["3", "4"]]),
        (["14 12", "3|4"], None),
        (["14", "12"], None),
        (["Toy Story", "Heat Now"], None),
        (["[14]", "12"], None),
        ([], None),
    ],
)
def test_as_tokens(texts, found):
    assert as_tokens(texts) == found


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([("u", "a", 3.0), ("u", "b", 2.0), ("v", "a", 9.0)], "score"),
        ([("u", "a", 1), ("u", "b", 2), ("u", "c", 3), ("v", "a", 1), ("v", "c", 2)], "rank"),
        ([("u", "a", 1), ("u", "b", 2)], None),  # too few to tell ranks from others
        ([("u", "a", 3.0), ("v", "b", 2.0), ("u", "c", 1.0)], None),  # rows of a user apart
        ([("u", "a", 3.0), ("u", "a", 2.0)], None),
        ([("u", "a", 2.0), ("u", "b", 3.0)], None),
        ([("u", "a", 2.0), ("u", "b", 2.0)], None),
        ([("u", "a", 2.0), ("v", "b", 1.0)], None),  # lists of one
    ],
)
def test_list_layout(rows, found):
    frame = pd.DataFrame(rows).astype({0: "category", 1: "category"})
    assert list_layout(frame) == (found and ["user_id", "item_id", found])


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["1", "NA", "2.5"], [1.0, None, 2.5]),
        (["NA", "null"], None),
        (["1", "x"], None),
        (["9007199254740993", "nan"], [9007199254740993, None]),
        (["inf", "NaN"], [np.inf, None]),
        (["Drama", "NA"], None),
    ],
)
def test_as_numbers(values, found):
    numbers = as_numbers(pd.Series(values))
    assert found == (None if numbers is None else [None if pd.isna(each) else each for each in numbers])


def test_integers_are_not_rounded():
    for texts in (["9007199254740993", None], ["18446744073709551617", None], ["1", None], ["1", "2"]):
        found = exact_integers(pd.Series(texts, dtype=object))
        assert [None if pd.isna(each) else int(each) for each in found] == [each and int(each) for each in texts]
    assert rounded(pd.Series([2.0**53, np.nan]))
    assert rounded(pd.Series([2.0**53, 1.0]))
    assert not rounded(pd.Series([2.0**52, 1.0]))
    assert not rounded(pd.Series([2.5, np.nan]))


def test_decimal_commas():
    assert has_decimal_commas(pd.Series(["3,5", "2"], dtype=object))
    assert not has_decimal_commas(pd.Series(["3.5", "2,1"], dtype=object))
    assert not has_decimal_commas(pd.Series(["3", "2"], dtype=object))


def test_labels():
    assert labels_of(pd.Series([0, 1, 2]))
    assert labels_of(pd.Series(["3", "17"]))
    assert not labels_of(pd.Series(["3", "3"]))
    assert not labels_of(pd.Series(["a", "b"]))
    assert not labels_of(pd.Series([1.0, None]))


def test_roles_and_positions():
    assert given_names({"user": 1, "item_id": "sku", "other": "x"}) == {"user_id": "1", "item_id": "sku"}
    assert positions({"user_id": "1", "item_id": "2"}, ["2", "x"]) == {1: "user_id"}
    assert role_of(" MovieID ", {}) == role_of("user:token", {}).replace("user", "item") == "item_id"
    assert role_of("x", {"score": "x"}) == "score"
    assert role_of("x", {}) is None


@pytest.mark.parametrize(
    ("start", "given", "found"),
    [
        (b"a", None, "utf-8"),
        (b"\xef\xbb\xbfa", None, "utf-8"),
        (b"\xff\xfea\0", None, "utf-16"),
        (b"\xfe\xff\0a", None, "utf-16"),
        (b"\xff\xfe\0\0a\0\0\0", None, "utf-32"),
        (b"a", "LATIN1", "iso8859-1"),
    ],
)
def test_encoding_of(start, given, found):
    assert encoding_of(start, given) == found


def test_split_takes_quotes_off_where_they_enclose_a_field():
    assert split(['"a"\t"b'], "\t", quoted=False) == [["a", '"b']]
    assert split(['"a;b";c'], ";", quoted=True) == [["a;b", "c"]]
    assert split(['"a"  b'], r"\s+", quoted=True) == [["a", "b"]]


@pytest.mark.kernel
@pytest.mark.parametrize("sep", [",", "\t", ";", " ", "\x1f"])
def test_odd_numbers_against_python(sep):
    """Whether any field would change on the way through whole numbers, against a loop over the fields."""
    draw = np.random.default_rng(5)
    pieces = ["7", "0", "10", "-3", "0.5", "-0.5", "a b", "x", "", "07", "-07", "+7", " 7", "7 ", "-0", "12"]
    for _ in range(draws(400)):
        table = [[str(draw.choice(pieces[: draw.integers(9, 17)])) for _ in range(3)] for _ in range(2)]
        quote, end = '"' * int(draw.integers(2)), draw.choice(["\n", "\r\n"])
        table = [["x" if sep in field else field for field in row] for row in table]
        text = "".join(sep.join(quote + field + quote for field in row) + end for row in table)
        odd = {"07", "-07", "+7", " 7", "7 ", "-0"}
        expected = any(field in odd for row in table for field in row)
        assert _odd_numbers(b"\n" + text.encode(), ord(sep)) == expected, text
        size = int(draw.integers(1, 12))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("beyondacc.data.intake.files.text._PIECE", size)
            watched = Watched(io.BytesIO(text.encode()), sep, numbers=True)
            assert b"".join(iter(watched.piece, b"")) == text.encode()
            assert watched.odd == expected, (text, size)


def test_text_that_is_not_utf_8_across_pieces(monkeypatch):
    """Whole signs that are cut into pieces pass, and halves of signs do not, wherever they stand."""
    text = "1,Köln\n2,東京\n3,x\n".encode()
    for size in range(1, 12):
        monkeypatch.setattr("beyondacc.data.intake.files.text._PIECE", size)
        watched = Watched(io.BytesIO(text), ",")
        assert b"".join(iter(watched.piece, b"")) == text
        for place in range(len(text) + 1):
            for odd in (b"\xff", b"\xc3"):
                watched = Watched(io.BytesIO(text[:place] + odd + text[place:]), ",")
                with pytest.raises(UnicodeDecodeError):
                    b"".join(iter(watched.piece, b""))
                assert isinstance(watched.failure, UnicodeDecodeError)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_separators_of_two_characters_across_pieces(monkeypatch, size):
    monkeypatch.setattr("beyondacc.data.intake.files.text._PIECE", size)
    text = b"1::Toy: a::x\n2:::b::y:\n07::c::\n"
    watched = Watched(io.BytesIO(text), "::", numbers=True)
    assert io.BufferedReader(watched).read() == text.replace(b"::", b"\x1f")
    assert watched.odd
    assert not watched.quotes
