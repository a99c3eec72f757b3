"""Beyond-accuracy evaluation of recommender systems."""
