"""What every metric is made of: its declaration, its states, the registry."""
