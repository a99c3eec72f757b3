"""Every oracle by the registry name of its metric: `name(case, k, **params)`."""

from __future__ import annotations

from oracle import accuracy, coverage, diversity, novelty, serendipity

# Give {user: float}, NaN where undefined; users are those with a list or with truth.
PER_USER = {
    function.__name__: function
    for function in (
        accuracy.ndcg,
        accuracy.precision,
        accuracy.recall,
        accuracy.hit_rate,
        accuracy.average_precision,
        accuracy.reciprocal_rank,
        diversity.ild,
        diversity.binomial_diversity,
        diversity.binomial_coverage,
        diversity.binomial_nonredundancy,
        novelty.self_information,
        novelty.epc,
        novelty.mean_popularity,
        serendipity.surprise_content,
        serendipity.surprise_cooccurrence,
        serendipity.unexpectedness,
        serendipity.serendipity_ge,
    )
}
# Give one float for the whole run.
RUN_LEVEL = {
    function.__name__: function
    for function in (coverage.catalog_coverage, coverage.gini, coverage.entropy, coverage.personalization)
}
ORACLES = PER_USER | RUN_LEVEL
