"""Statistics of experiments on aggregates: counts, means and products that a person types in or a query gives.

``from steelyard import stats`` needs no warehouse. Arguments are numbers, lists or arrays; the last dimension
runs over variants, the control first, and any dimensions before it are computed at once. A number that does
not exist is NaN with a reason beside it; `optional` turns it into None.

Start with `compare_means`, `compare_proportions` and `compare_ratios`. Behind them stand three steps that can
be taken one by one: `Moments` -> `unadjusted`, `full_adjustment` or `poststratify` -> `superiority`,
`non_inferiority` or `deterioration`.
"""

from steelyard.stats.aa import judge_aa
from steelyard.stats.adjustment import full as full_adjustment
from steelyard.stats.adjustment import pooled as common_slope_adjustment
from steelyard.stats.adjustment import unadjusted
from steelyard.stats.always_valid import critical_value as always_valid_critical_value
from steelyard.stats.always_valid import log_e_value as always_valid_log_e_value
from steelyard.stats.always_valid import msprt_tuning, running_p
from steelyard.stats.always_valid import optimal_tuning as always_valid_tuning
from steelyard.stats.always_valid import p_value as always_valid_p_value
from steelyard.stats.always_valid import required_n as always_valid_required_n
from steelyard.stats.arrays import optional
from steelyard.stats.balance import sequential_balance
from steelyard.stats.bandit import prob_best, thompson_shares, top_two_shares
from steelyard.stats.bandit_inference import adaptive_means, batched_effect
from steelyard.stats.bayes import empirical_prior_sd, normal_posterior
from steelyard.stats.caps import cap_sensitivity
from steelyard.stats.cautions import noisy_denominator, skewed_small_sample, small_counts
from steelyard.stats.cluster import cluster_pairs
from steelyard.stats.comparison import Comparison, deterioration, non_inferiority, superiority
from steelyard.stats.contrast import Contrast, interaction_weights, main_effect_weights
from steelyard.stats.contrast import contrast as linear_contrast
from steelyard.stats.decision import TestResult, decide, decide_all, decision_design
from steelyard.stats.dilution import diluted, diluted_means
from steelyard.stats.ewl import classify as classify_learning
from steelyard.stats.ewl import learning_summary, shrink_rates
from steelyard.stats.factorial import crossed_weights, factorial_effects, factorial_weights, level_weights
from steelyard.stats.group_sequential import Look, bounds_batch
from steelyard.stats.group_sequential import bounds as sequential_bounds
from steelyard.stats.gst_correlation import bounds_from_correlation, score_correlation
from steelyard.stats.gst_exit import exit_probabilities, required_drift
from steelyard.stats.gst_exit import inflation as sequential_inflation
from steelyard.stats.gst_futility import futility_design
from steelyard.stats.heterogeneity import heterogeneity as segment_heterogeneity
from steelyard.stats.holdback import attrition_test, compare_with_shipped
from steelyard.stats.interaction import combine_interactions, interaction_effects, overlap_check
from steelyard.stats.means import MeanPair, VariantMeans
from steelyard.stats.moments import Moments
from steelyard.stats.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    e_benjamini_hochberg,
    holm,
)
from steelyard.stats.novelty import half_weights, slope_weights, time_contrast
from steelyard.stats.novelty import pattern as time_pattern
from steelyard.stats.poststratification import poststratify
from steelyard.stats.power import (
    achieved_power,
    is_powered,
    minimum_detectable_effect,
    required_n,
    required_n_relative,
    std_error_at,
)
from steelyard.stats.power_design import design_effect, optimal_ratio
from steelyard.stats.power_exact import power_t, required_n_t
from steelyard.stats.power_plan import PlannedMetric, plan_experiment
from steelyard.stats.power_proportions import detectable_proportion, required_n_proportions
from steelyard.stats.proportion_intervals import newcombe_interval, wilson_interval
from steelyard.stats.quantile import clustered_ranks, histogram_quantile, quantile_means, quantile_ranks
from steelyard.stats.ratio import linearise
from steelyard.stats.relative import delta_std_error, fieller, log_interval
from steelyard.stats.rollout import add_scores, combine_epochs, even_units, judge_rollout
from steelyard.stats.sequential_p import sequential_p as sequential_p_value
from steelyard.stats.shrinkage import selection_bias, shrink_programme
from steelyard.stats.significance import critical_value, log10_p_value, p_value
from steelyard.stats.spending import spend
from steelyard.stats.srm import chi_square as srm_chi_square
from steelyard.stats.srm import log_e_value as srm_log_e_value
from steelyard.stats.srm import sequential as srm_sequential
from steelyard.stats.stagewise import stagewise as stagewise_inference
from steelyard.stats.switchback import block_pairs, block_values, carry_over_test, randomisation_test
from steelyard.stats.switchback_designs import coin_assignments, complete_assignments
from steelyard.stats.switchback_series import hac_effect, horvitz_thompson, newey_west
from steelyard.stats.two_sample import compare_means, compare_proportions, compare_ratios

__all__ = [
    "Comparison",
    "Contrast",
    "Look",
    "MeanPair",
    "Moments",
    "PlannedMetric",
    "TestResult",
    "VariantMeans",
    "achieved_power",
    "adaptive_means",
    "add_scores",
    "always_valid_critical_value",
    "always_valid_log_e_value",
    "always_valid_p_value",
    "always_valid_required_n",
    "always_valid_tuning",
    "attrition_test",
    "batched_effect",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "block_pairs",
    "block_values",
    "bonferroni",
    "bounds_batch",
    "bounds_from_correlation",
    "cap_sensitivity",
    "carry_over_test",
    "classify_learning",
    "cluster_pairs",
    "clustered_ranks",
    "coin_assignments",
    "combine_epochs",
    "combine_interactions",
    "common_slope_adjustment",
    "compare_means",
    "compare_proportions",
    "compare_ratios",
    "compare_with_shipped",
    "complete_assignments",
    "critical_value",
    "crossed_weights",
    "decide",
    "decide_all",
    "decision_design",
    "delta_std_error",
    "design_effect",
    "detectable_proportion",
    "deterioration",
    "diluted",
    "diluted_means",
    "e_benjamini_hochberg",
    "empirical_prior_sd",
    "even_units",
    "exit_probabilities",
    "factorial_effects",
    "factorial_weights",
    "fieller",
    "full_adjustment",
    "futility_design",
    "hac_effect",
    "half_weights",
    "histogram_quantile",
    "holm",
    "horvitz_thompson",
    "interaction_effects",
    "interaction_weights",
    "is_powered",
    "judge_aa",
    "judge_rollout",
    "learning_summary",
    "level_weights",
    "linear_contrast",
    "linearise",
    "log10_p_value",
    "log_interval",
    "main_effect_weights",
    "minimum_detectable_effect",
    "msprt_tuning",
    "newcombe_interval",
    "newey_west",
    "noisy_denominator",
    "non_inferiority",
    "normal_posterior",
    "optimal_ratio",
    "optional",
    "overlap_check",
    "p_value",
    "plan_experiment",
    "poststratify",
    "power_t",
    "prob_best",
    "quantile_means",
    "quantile_ranks",
    "randomisation_test",
    "required_drift",
    "required_n",
    "required_n_proportions",
    "required_n_relative",
    "required_n_t",
    "running_p",
    "score_correlation",
    "segment_heterogeneity",
    "selection_bias",
    "sequential_balance",
    "sequential_bounds",
    "sequential_inflation",
    "sequential_p_value",
    "shrink_programme",
    "shrink_rates",
    "skewed_small_sample",
    "slope_weights",
    "small_counts",
    "spend",
    "srm_chi_square",
    "srm_log_e_value",
    "srm_sequential",
    "stagewise_inference",
    "std_error_at",
    "superiority",
    "thompson_shares",
    "time_contrast",
    "time_pattern",
    "top_two_shares",
    "unadjusted",
    "wilson_interval",
]
