"""A small data set in files, as the tests of the command line need it, and the command itself."""

import dataclasses

import numpy as np
import pandas as pd

from beyondacc.cli import main

N_USERS, N_ITEMS, WIDTH = 12, 20, 8
GENRES = ("Action", "Drama", "Comedy")


def write_files(folder):
    """Write recs.csv (8 items for each user), train.csv, test.csv, both together in ratings.csv, and items.csv."""
    rng = np.random.default_rng(7)
    users = np.arange(1, N_USERS + 1)
    rows = []
    for user in users:
        items = rng.permutation(np.arange(101, 101 + N_ITEMS))
        rows += [(user, item, "train", rng.integers(1, 6)) for item in items[:5]]
        rows += [(user, item, "test", rng.integers(3, 6)) for item in items[5:9]]
        rows += [(user, item, "recs", 1.0 - 0.1 * place) for place, item in enumerate(items[7 : 7 + WIDTH])]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "part", "value"])
    for part, name in (("train", "rating"), ("test", "rating"), ("recs", "score")):
        chosen = frame[frame["part"] == part].drop(columns="part").rename(columns={"value": name})
        chosen.to_csv(folder / f"{part}.csv", index=False)
    ratings = frame[frame["part"] != "recs"].drop(columns="part")
    ratings.rename(columns={"value": "rating"}).to_csv(folder / "ratings.csv", index=False)
    genres = ["|".join(g for g, has in zip(GENRES, (i % 2, i % 3, i % 5 == 0), strict=True) if has) for i in range(20)]
    items = pd.DataFrame({"item_id": np.arange(101, 101 + N_ITEMS), "genres": genres})
    items.to_csv(folder / "items.csv", index=False)


@dataclasses.dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


def run(capsys, *args):
    """Run the command in this process."""
    capsys.readouterr()
    code = main([str(arg) for arg in args])
    return Done(code, *capsys.readouterr())
