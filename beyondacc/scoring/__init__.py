"""Models of any kind as scorers, and lists from scores."""
