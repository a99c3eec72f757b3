"""What a re-ranker gives and takes: sweeps, tuning, Pareto fronts."""
