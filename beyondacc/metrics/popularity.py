"""Popularity bias and exposure of groups of items (METRICS, section 8)."""

from __future__ import annotations

__all__: list[str] = []
