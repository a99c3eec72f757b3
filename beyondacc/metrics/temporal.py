"""Change against earlier lists (METRICS, section 3)."""

from __future__ import annotations

__all__: list[str] = []
