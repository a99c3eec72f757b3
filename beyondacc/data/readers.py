"""Files in, pandas frames out: `read_file` with ids as numbers where all are written as whole numbers.

Kept until callers take what is written from `read_file` and decide over all tables of a call together.
"""

from __future__ import annotations

import os
import re
from typing import Any, Final

import numpy as np
import pandas as pd

from beyondacc.data.intake.files import File, read_file, read_vectors
from beyondacc.data.intake.reading import Reading

__all__ = ["read_table", "read_vectors"]

_PLAIN: Final = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)


def read_table(path: str | os.PathLike[str] | File, *, what: str) -> Any:
    """Read a table; see `read_file`. Ids that are all written as whole numbers become numbers."""
    table = read_file(path, what=what, reading=Reading(what))
    if not isinstance(table, pd.DataFrame):
        return table
    for name in {*table.attrs.get("written", ()), *table.attrs.get("tokens", ())}:
        texts = table[name].cat.categories
        if len(texts) and all(map(_PLAIN.fullmatch, texts)) and not table[name].isna().any():
            table[name] = np.array([int(text) for text in texts], np.int64)[table[name].cat.codes.to_numpy()]
        else:
            table[name] = table[name].astype(texts.dtype)
    return table
