"""Genres as aspects of what a user wants: how many, how often, in which proportion a list has them (METRICS, section 3)."""

from __future__ import annotations

__all__: list[str] = []
