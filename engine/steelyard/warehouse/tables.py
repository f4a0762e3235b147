"""The tables that a run leaves in the warehouse, as data.

The names and meanings of columns are a contract: analysts build on them. Columns are added, after those that
are there; none is removed and none changes its meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal["text", "json", "number", "count", "flag", "day", "moment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column.

    Attributes:
        name: Its name.
        kind: What it holds; each warehouse has its own type for it.
        comment: One sentence for whoever queries it.
        is_key: Whether it is part of the primary key. A key of text is '' where nothing is given.
        scale: Size by which two numbers are compared for being the same, beside their own: a number, or the
            column that holds it. Differences of almost equal numbers need one.
    """

    name: str
    kind: Kind
    comment: str
    is_key: bool = False
    scale: float | str = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        name: Its name.
        comment: One sentence for whoever queries it.
        columns: Its columns.
        replaced: What publishing replaces: ``day``, the experiment's rows of the run's day; ``days``, those
            of each day that comes; ``never``, nothing, only new keys are added; ``key``, rows of one key;
            ``programme``, all rows of a programme.
        slice_by: Columns whose values name the rows that are replaced together.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    replaced: Literal["day", "days", "never", "key", "programme"]
    slice_by: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the primary key's columns."""
        return tuple(column.name for column in self.columns if column.is_key)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(column.name for column in self.columns)


def _key(name: str, comment: str, kind: Kind = "text") -> Column:
    return Column(name=name, kind=kind, comment=comment, is_key=True)


def _text(name: str, comment: str) -> Column:
    return Column(name=name, kind="text", comment=comment)


def _json(name: str, comment: str) -> Column:
    return Column(name=name, kind="json", comment=comment)


def _number(name: str, comment: str, scale: float | str = 0.0) -> Column:
    return Column(name=name, kind="number", comment=comment, scale=scale)


def _count(name: str, comment: str) -> Column:
    return Column(name=name, kind="count", comment=comment)


def _flag(name: str, comment: str) -> Column:
    return Column(name=name, kind="flag", comment=comment)


_RUN = _text("run_id", "Run that wrote the row; see runs.")
_EXPERIMENT = _key("experiment_id", "Name of the experiment.")
_AS_OF = _key("as_of", "Day up to whose end events count, in the project's time zone.", "day")

_COMPARISON = (
    _RUN,
    _EXPERIMENT,
    _AS_OF,
    _key("metric", "Name of the metric."),
    _key("metric_version", "Version of the metric.", "count"),
    _text("metric_fingerprint", "Hash of what the metric's version means."),
    _text("metric_type", "mean, proportion, ratio or quantile."),
    _text("role", "Role in the experiment: primary, secondary, guardrail or quality."),
    _key("hypothesis", "What is tested: superiority, non_inferiority or deterioration."),
    _key("dimension", "Dimension of the segment; '' for everyone."),
    _key("segment", "Segment within the dimension; '' for everyone."),
    _key("variant", "Treatment variant."),
    _text("control", "Variant that it is compared with."),
    _count("n_control", "Units of the control that count."),
    _count("n_variant", "Units of the variant that count."),
    _number("mean_control", "Mean of the control, adjusted where adjustment says so."),
    _number("mean_variant", "Mean of the variant, adjusted where adjustment says so."),
    _number("effect", "Mean of the variant less mean of the control.", "std_error"),
    _number("effect_ci_lower", "Lower limit of the effect's confidence interval.", "std_error"),
    _number("effect_ci_upper", "Upper limit of the effect's confidence interval.", "std_error"),
    _number("relative_effect", "Effect divided by the mean of the control.", "relative_std_error"),
    _number("relative_effect_ci_lower", "Lower limit of the relative effect.", "relative_std_error"),
    _number("relative_effect_ci_upper", "Upper limit of the relative effect.", "relative_std_error"),
    _number("std_error", "Standard error of the effect."),
    _number("statistic", "Test statistic of the hypothesis.", 1.0),
    _number(
        "p_value", "P-value of the hypothesis; under a sequential test it holds however often one looks.", 1.0
    ),
    _number("alpha", "Level of the test after correction for other comparisons."),
    _number("margin", "Non-inferiority margin: a share of the mean of the control, or see label."),
    _number("mde", "Relative effect that the experiment is planned to detect."),
    _text("alternative", "two-sided, increase or decrease."),
    _text("test", "fixed, group_sequential or always_valid, which segments of either sequential test are."),
    _text("adjustment", "How variance is reduced: none, cuped or post_stratify."),
    _number("variance_reduction", "1 less the adjusted variance divided by the unadjusted one.", 1.0),
    _count("required_n", "Units per variant that the planned power needs."),
    _flag("powered", "Whether the standard error is as small as the plan needs."),
    _flag("significant", "Whether the hypothesis is decided at this look or at an earlier one."),
    _text("reason", "Why values are null."),
    _number(
        "log10_p_value", "Logarithm of the nominal p-value to base 10, for those too small to write.", 1.0
    ),
    _number("nominal_p_value", "P-value of this day alone, which does not hold if one looks again.", 1.0),
    _number("df", "Degrees of freedom of the statistic."),
    _number("relative_std_error", "Standard error of the relative effect."),
    _number("mean_control_raw", "Mean of the control without adjustment."),
    _number("mean_variant_raw", "Mean of the variant without adjustment."),
    _text("test_state", "Why there is no bound on this day; empty where there is one."),
    _count("look", "Number of the look; null without one on this day."),
    _number("bound", "Bound of the statistic at this look; null where no look could decide.", 1.0),
    _text("label", "The result in a few words."),
)

RESULTS = Table(
    name="results",
    comment="One row per experiment, day of analysis, metric, treatment variant, segment and hypothesis.",
    columns=_COMPARISON,
    replaced="day",
    slice_by=("as_of",),
)

TIMESERIES = Table(
    name="timeseries",
    comment="The columns of results, for every day since the experiment's start.",
    columns=_COMPARISON,
    replaced="days",
    slice_by=("as_of",),
)

HEALTH = Table(
    name="health",
    comment="One row per experiment, day of analysis and check of the data.",
    columns=(
        _RUN,
        _EXPERIMENT,
        _AS_OF,
        _key("check_name", "What is checked, such as srm or multiple_exposure."),
        _key("dimension", "Dimension of the segment; '' for everyone."),
        _key("segment", "Segment within the dimension; '' for everyone."),
        _number("statistic", "Statistic of the check.", 1.0),
        _number("p_value", "P-value of the check.", 1.0),
        _number("threshold", "Limit that the check compares with."),
        _text("status", "pass, warn or fail."),
        _text("detail", "What was found, in words."),
        _key("metric", "Metric that is checked; '' for all."),
        _key("variant", "Variant that is checked; '' for all."),
    ),
    replaced="day",
    slice_by=("as_of",),
)

DECISIONS = Table(
    name="decisions",
    comment="One row per experiment, day of analysis and treatment variant.",
    columns=(
        _RUN,
        _EXPERIMENT,
        _AS_OF,
        _key("variant", "Treatment variant."),
        _text("decision", "ship, do_not_ship, stop, keep_running or invalid."),
        _text("recommendation", "What to do, in one sentence."),
        _json("reasons", "Why: a JSON list of sentences."),
    ),
    replaced="day",
    slice_by=("as_of",),
)

LOOKS = Table(
    name="looks",
    comment="What each look at a sequential test has spent; written once, not rewritten by a later look.",
    columns=(
        _EXPERIMENT,
        _key("metric", "Name of the metric."),
        _key("variant", "Treatment variant."),
        _key("hypothesis", "superiority, non_inferiority or deterioration."),
        _key("look", "Number of the look, from 1.", "count"),
        Column(name="as_of", kind="day", comment="Day of the look."),
        _count("n", "Units of control and variant."),
        _number("information", "Statistical information about the effect."),
        _number("fraction", "Share of the planned information, by which alpha is spent."),
        _number("alpha_spent", "Alpha spent up to and including this look."),
        _number("bound", "Bound of the statistic; null where it is too early to stop."),
        _number("statistic", "Test statistic.", 1.0),
        _flag("crossed", "Whether the statistic has crossed the bound."),
        _RUN,
        _count("metric_version", "Version of the metric."),
        _number("p_value", "P-value of all looks up to this one together.", 1.0),
    ),
    replaced="never",
    slice_by=("metric", "variant", "hypothesis", "look"),
)

MOMENTS = Table(
    name="moments",
    comment="Count, means and cross products per experiment, day, metric, variant and segment.",
    columns=(
        _RUN,
        _EXPERIMENT,
        _AS_OF,
        _key("metric", "Name of the metric."),
        _key("metric_version", "Version of the metric.", "count"),
        _key("variant", "Variant, the control among them."),
        _key("dimension", "Dimension of the segment; '' for everyone."),
        _key("segment", "Segment within the dimension; '' for everyone."),
        _count("n", "Units that count on this day."),
        _json("columns", "Names of the values: outcome, or numerator and denominator, then covariates."),
        _json("means", "Mean of each value."),
        _json("m2", "Sums of products of deviations from the means, one list per value."),
    ),
    replaced="days",
    slice_by=("as_of", "metric", "metric_version"),
)

LEARNING = Table(
    name="learning",
    comment="What each experiment has taught: one row per experiment and day of analysis.",
    columns=(
        _RUN,
        _EXPERIMENT,
        _AS_OF,
        _text("outcome", "win, regression, neutral_powered, inconclusive or invalid."),
        _flag("learned", "Whether the outcome is a win, a regression or neutral with power."),
        _text("fix", "What would have made it teach something; null where it did."),
        _text("owner", "Who owns the experiment."),
        _text("surface", "Product area."),
    ),
    replaced="day",
    slice_by=("as_of",),
)

CAPS = Table(
    name="caps",
    comment="Caps at a percentile, computed once for an experiment and kept; not rewritten by a later run.",
    columns=(
        _EXPERIMENT,
        _key("name", "Which limit of which value, of the outcome or of the covariate before the exposure."),
        _text("metric", "Name of the metric."),
        _number("value", "The cap."),
        Column(name="as_of", kind="day", comment="Day up to whose end events counted when it was computed."),
        _RUN,
    ),
    replaced="never",
    slice_by=("name",),
)

METRICS = Table(
    name="metrics",
    comment="Catalogue of metrics: one row per version.",
    columns=(
        _key("name", "Name of the metric."),
        _key("version", "Version.", "count"),
        _text("fingerprint", "Hash of what the version means."),
        _text("owner", "Who owns the metric."),
        _text("description", "What it measures."),
        _text("sql", "The query that defines it."),
        _text("metric_type", "mean, proportion, ratio or quantile."),
        _text("unit", "Unit that it is measured per."),
        _text("direction", "Which way is better: increase, decrease or none."),
        _json("tags", "JSON list of tags."),
        _RUN,
    ),
    replaced="key",
    slice_by=("name", "version"),
)

EXPERIMENTS = Table(
    name="experiments",
    comment="Catalogue of experiments: one row each, as last run.",
    columns=(
        _EXPERIMENT,
        _text("hypothesis", "What is believed, in words."),
        _text("owner", "Who owns the experiment."),
        _text("surface", "Product area."),
        _text("status", "draft, running, stopped or decided."),
        Column(name="start_date", kind="day", comment="First day of exposures."),
        Column(name="end_date", kind="day", comment="Last day of exposures."),
        _text("exposures", "Log of exposures that it reads."),
        _json("variants", "JSON list of variants with their allocations."),
        _json("metrics", "JSON list of metrics with their versions and roles."),
        _json("analysis", "JSON object of how it is analysed."),
        _RUN,
    ),
    replaced="key",
    slice_by=("experiment_id",),
)

RUNS = Table(
    name="runs",
    comment="One row per run of the engine.",
    columns=(
        _key("run_id", "Name of the run."),
        Column(name="started", kind="moment", comment="When it began."),
        Column(name="ended", kind="moment", comment="When it ended; null while it runs or if it was killed."),
        _text("status", "running, success, partial (some experiments failed) or error."),
        Column(name="as_of", kind="day", comment="Day up to whose end events count."),
        _text("engine_version", "Version of Steelyard."),
        _text("git_commit", "Commit of the project, where it is a repository."),
        _text("sql_hash", "Hash of the compiled SQL."),
        _count("rows_read", "Rows that the warehouse has read, where it tells."),
        _count("bytes_read", "Bytes that the warehouse has read, where it tells."),
        _json("stage_seconds", "JSON object of seconds per stage."),
        _json("experiments", "JSON list of the experiments it ran."),
        _json("failures", "JSON object of each failed experiment's error."),
        _text("target", "Target of the profile."),
    ),
    replaced="key",
    slice_by=("run_id",),
)

INSIGHTS = Table(
    name="insights",
    comment="What stands around the effects: one row per experiment, day of analysis, kind and what it is about.",
    columns=(
        _RUN,
        _EXPERIMENT,
        _AS_OF,
        _key("kind", "What the row holds; the kinds are listed in docs/insights.md."),
        _key("metric", "Name of the metric; '' for none."),
        _key("metric_version", "Version of the metric; 0 for none.", "count"),
        _key("hypothesis", "Hypothesis that the row belongs to; '' for none."),
        _key("variant", "Treatment variant, or what stands in its place."),
        _key("dimension", "Dimension of the segment; '' for everyone."),
        _key("segment", "Segment within the dimension; '' for everyone."),
        _number("estimate", "What is estimated.", "std_error"),
        _number("std_error", "Its standard error."),
        _number("ci_lower", "Lower limit of its interval.", "std_error"),
        _number("ci_upper", "Upper limit of its interval.", "std_error"),
        _number("statistic", "Statistic of its test.", 1.0),
        _number("p_value", "P-value of its test, for one look at it.", 1.0),
        _text("detail", "What it says, in words."),
        _text("reason", "Why values are null."),
    ),
    replaced="day",
    slice_by=("as_of",),
)

_PROGRAMME = _key("programme", "Name of the programme.")

ALLOCATION = Table(
    name="allocation",
    comment="Who owns which bucket of a programme, from when until when; follows from allocation_log.",
    columns=(
        _PROGRAMME,
        _key("bucket", "The bucket, from 0.", "count"),
        _key("owner", "Experiment or holdback; of the kind node the node that the bucket's units flow into."),
        _key("valid_from", "First moment.", "moment"),
        Column(name="valid_to", kind="moment", comment="First moment after; null while it lasts."),
        _key("node", "Node of a salt machine that the bucket is of; '' is the root, and all else."),
        _text("kind", "What the owner is: experiment, holdback or node."),
        _count("seq", "Line of allocation_log that gave the bucket."),
    ),
    replaced="programme",
    slice_by=("programme",),
)

ALLOCATION_LOG = Table(
    name="allocation_log",
    comment="The logs of claims as the project holds them, one row per line.",
    columns=(
        _PROGRAMME,
        _key("seq", "Number of the line, from 1.", "count"),
        Column(name="at", kind="moment", comment="When it was written and takes effect."),
        _text("by", "Who claimed."),
        _text("op", "open, start, grow, shrink, reweigh, stop, holdback, close or release."),
        _text("owner", "Experiment or holdback; '' for the programme."),
        _text("line", "The line as the file holds it, JSON."),
        _text("hash", "Hash of the line."),
        _text("previous", "Hash of the line before; '' for the first."),
    ),
    replaced="programme",
    slice_by=("programme", "seq"),
)

STATE = Table(
    name="state",
    comment="What incremental runs continue from: one row per group of experiments that advance together.",
    columns=(
        _key("block", "Name of the state; its tables are called state_<block>_...."),
        _text("exposures", "Log of exposures."),
        _json("experiments", "JSON list of its experiments, in the order of their numbers."),
        Column(name="closed_through", kind="day", comment="Last closed day: no run reads it again."),
        _text("engine_version", "Version of Steelyard that wrote it."),
        _json("parts", "JSON object of hashes of all that the state depends on."),
        _json("content", "JSON object: sums of the closed days, constants they are taken about, and counts."),
        _json("tables", "JSON list of its tables."),
        _RUN,
    ),
    replaced="key",
    slice_by=("block",),
)

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            RESULTS,
            TIMESERIES,
            HEALTH,
            DECISIONS,
            LOOKS,
            MOMENTS,
            METRICS,
            EXPERIMENTS,
            RUNS,
            LEARNING,
            CAPS,
            INSIGHTS,
            ALLOCATION,
            ALLOCATION_LOG,
            STATE,
        )
    }
)
