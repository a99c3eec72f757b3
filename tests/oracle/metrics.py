"""Every oracle by the registry name of its metric: `name(case, k, **params)`."""

from __future__ import annotations

from oracle import accuracy, aspects, calibration, coverage, diversity, novelty, popularity, serendipity

# Give {user: float}, NaN where undefined; users are those with a list or with truth.
PER_USER = {
    function.__name__: function
    for function in (
        accuracy.ndcg,
        accuracy.dcg,
        accuracy.precision,
        accuracy.recall,
        accuracy.f1,
        accuracy.hit_rate,
        accuracy.average_precision,
        accuracy.reciprocal_rank,
        accuracy.rbp,
        accuracy.r_precision,
        diversity.ild,
        diversity.ils,
        diversity.eild,
        diversity.binomial_diversity,
        diversity.binomial_coverage,
        diversity.binomial_nonredundancy,
        diversity.vendi,
        aspects.subtopic_recall,
        aspects.genre_entropy,
        aspects.alpha_ndcg,
        aspects.err_ia,
        aspects.proportionality,
        aspects.temporal_diversity,
        aspects.temporal_novelty,
        aspects.unseen_share,
        novelty.self_information,
        novelty.epc,
        novelty.efd,
        novelty.epd,
        novelty.mean_popularity,
        novelty.popularity_percentile,
        novelty.age,
        serendipity.surprise_content,
        serendipity.surprise_cooccurrence,
        serendipity.unexpectedness,
        serendipity.unserendipity,
        serendipity.serendipity,
        serendipity.serendipity_ge,
        serendipity.serendipity_rank,
        serendipity.serendipity_murakami,
        serendipity.distance_unexpectedness,
        coverage.user_coverage,
        calibration.calibration_kl,
        calibration.calibration_js,
        calibration.calibration_hellinger,
        calibration.radio_calibration,
        calibration.radio_representation,
        calibration.radio_fragmentation,
        popularity.aplt,
        popularity.aclt,
    )
}
# Give one float for the whole run.
RUN_LEVEL = {
    function.__name__: function
    for function in (
        coverage.catalog_coverage,
        coverage.genre_coverage,
        coverage.gini,
        coverage.exposure_gini,
        coverage.entropy,
        coverage.hhi,
        coverage.gini_simpson,
        coverage.effective_catalog,
        coverage.personalization,
        coverage.inter_user_diversity,
        popularity.popularity_lift,
        popularity.pop_reo,
        popularity.pop_rsp,
        popularity.group_exposure_ratio,
    )
}
ORACLES = PER_USER | RUN_LEVEL
