"""Declarations of metrics, one each, next to their formula."""
