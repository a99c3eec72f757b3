"""Genre shares of a list against those of the profile, of the catalogue, of other lists (METRICS, section 7)."""

from __future__ import annotations

__all__: list[str] = []
