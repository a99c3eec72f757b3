"""What ``beyondacc study`` does: data sets, the study, and its results as text."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import typer

from beyondacc.cli import inputs
from beyondacc.cli.output import WIDTH, aligned, decimals, number
from beyondacc.data.dataset import Dataset
from beyondacc.data.movielens import load_movielens
from beyondacc.data.recommendations import Recommendations
from beyondacc.errors import SpecError
from beyondacc.kernels import jit
from beyondacc.study import Study, StudyResult
from beyondacc.study.canvas import altair
from beyondacc.study.correlate import Method
from beyondacc.study.grid import DIVERSITY
from beyondacc.study.result import PLAIN, check_folder

__all__ = ["FILES", "check_target", "datasets", "describe", "prepare", "save"]

FILES = ("results.parquet", "per_user.parquet", "correlations.csv", "report.html")
