"""Predicted ratings against given ones."""
