"""Recommendation models to study: numpy and scipy only."""
