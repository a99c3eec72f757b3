"""Charts, and what they draw."""
