"""Genres as aspects of what a user wants: coverage, redundancy and proportion of them in a list (METRICS, section 3)."""

from __future__ import annotations

__all__: list[str] = []
