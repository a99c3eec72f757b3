"""Models that learn with torch; none is loaded before one of them is fitted."""
