"""Re-rankers: one greedy engine with declared gains."""
