"""What a metric, a re-ranker and a model are: parameters, names, registries."""
