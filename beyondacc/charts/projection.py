"""Items in the plane: by principal components, or by UMAP where it is installed."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, svds

from beyondacc.data.dataset import Dataset
from beyondacc.errors import DataError, DependencyError

__all__ = ["By", "Projection", "principal_axes", "project"]

By = Literal["pca", "umap"]
_WHOLE = 20
"""Up to this smaller side a matrix is decomposed as a whole; else its first two components are found by iteration."""
_ROUNDING = 1e-9

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Projection:
    """Where items lie in the plane.

    Attributes
    ----------
    items : (n,)
        Positions, in the dataset, of the items that have a place, ascending.
    xy : (n, 2)
    words
        What the axes are, in words.
    axes
        The names of both axes.
    """

    items: NDArray[np.int64]
    xy: Floats
    words: str
    axes: tuple[str, str]


def project(data: Dataset, by: By, seed: int) -> Projection:
    """Lay the catalogue out in the plane: the items' own vectors, else the columns of the binary training matrix.

    An item without a vector, or without training users where there are no vectors, has no place.

    Parameters
    ----------
    by
        ``pca``: the first two principal components (Hotelling 1933); ``umap``: McInnes, Healy & Melville 2018,
        arXiv:1802.03426, with the cosine distance.
    seed
        Of UMAP, and of the vector that an iterated decomposition starts from.

    Raises
    ------
    DataError
        If fewer than three items have a place, or they differ in no direction or in one only.
    DependencyError
        If UMAP is asked for and not installed.
    """
    if data.vectors is None and data.train is None:
        raise DataError("a map needs vectors of items or training rows; pass vectors= or train= to the Dataset")
    rows: Any
    if data.vectors is not None:
        what, rows = f"the items' vectors of {data.vectors.shape[1]}", np.asarray(data.vectors, np.float64)
        placed = data.catalogue & rows.any(axis=1)
    else:
        what, rows = "the binary training matrix", data.matrix.T.tocsr()
        rows.data = np.ones(len(rows.data))
        placed = data.catalogue & (data.item_counts > 0)
    items = np.flatnonzero(placed)
    if len(items) < 3:
        raise DataError(
            f"a map needs three items with a vector or a training user, the catalogue has {len(items)}; "
            "give a larger catalogue"
        )
    if by == "umap":
        layout = _umap().UMAP(n_components=2, metric="cosine", random_state=seed, n_jobs=1)
        taken = rows[items]
        taken = taken if isinstance(taken, np.ndarray) else sparse.csr_matrix(taken)  # UMAP knows no sparse arrays
        xy = np.asarray(layout.fit_transform(taken), np.float64)
        return Projection(items, xy, f"UMAP of {what}: near items are alike, far distances say little", ("", ""))
    xy, shares = principal_axes(rows[items], seed)
    first, second = (f"{100 * share:.1f} %" for share in shares)
    axes = (f"first component, {first} of the variance", f"second component, {second}")
    return Projection(items, xy, f"Principal components of {what}, with {first} and {second} of its variance", axes)


def principal_axes(rows: Any, seed: int = 0) -> tuple[Floats, Floats]:
    """Return the coordinates on the first two principal components and their shares of the variance.

    The sign that a component leaves open is chosen so that its coordinate farthest from 0 is positive.

    Parameters
    ----------
    rows : (n, d)
        Dense or sparse; centred here, without filling up what is sparse.
    seed
        Of the vector that the iteration starts from.

    Returns
    -------
    (n, 2), (2,)

    Raises
    ------
    DataError
        If the rows differ in no direction or in one only.
    """
    n, d = rows.shape
    mean = np.asarray(rows.mean(axis=0), np.float64).ravel()
    left: Any
    lengths: Any
    if min(n, d) > _WHOLE:
        centred = LinearOperator(
            (n, d),
            matvec=lambda vector: rows @ vector.ravel() - mean @ vector.ravel(),
            rmatvec=lambda vector: rows.T @ vector.ravel() - mean * vector.sum(),
            dtype=np.float64,
        )
        start = np.random.default_rng(seed).uniform(size=min(n, d))
        left, lengths, _ = svds(centred, 2, v0=start)
        left, lengths = left[:, ::-1], lengths[::-1]
        values = rows if isinstance(rows, np.ndarray) else rows.data
        total = float(np.square(values).sum()) - n * float(mean @ mean)
    else:
        dense = (rows if isinstance(rows, np.ndarray) else rows.toarray()) - mean
        left, lengths, _ = np.linalg.svd(dense, full_matrices=False)
        total = float(np.square(dense).sum())
    if len(lengths) < 2 or not lengths[1] > _ROUNDING * lengths[0]:
        raise DataError("the items differ in fewer than two directions, which makes no map; give them richer vectors")
    xy: Floats = left[:, :2] * lengths[:2]
    farthest = np.abs(xy).argmax(axis=0)
    xy = xy * np.sign(xy[farthest, [0, 1]])
    return xy, np.square(lengths[:2]) / total


def _umap() -> Any:
    try:
        return importlib.import_module("umap")
    except ImportError as error:
        raise DependencyError(
            "by='umap' needs the package umap-learn, which cannot be imported; "
            "install it with: pip install umap-learn, or leave by='pca'"
        ) from error
