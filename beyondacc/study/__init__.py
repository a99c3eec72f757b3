"""Studies: a grid of runs, correlations, Pareto fronts, charts, a report."""
