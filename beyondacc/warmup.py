"""Compile every kernel, for every kind of array that reaches it, by doing a little of everything."""

from __future__ import annotations

def warmup(): ...
