"""What stands around the effects, in sentences."""

from collections.abc import Iterator, Sequence

from steelyard.report.numbers import p_equals, signed
from steelyard.report.words import Row

REMARKABLE = 0.05
"""P-values above it are not worth a sentence."""


def sentences(rows: Sequence[Row], *, several: bool = False) -> Iterator[str]:
    """Yield a sentence for each row that says something: what is not remarkable stays in the table.

    Args:
        rows: Rows of ``insights`` of one experiment and day.
        several: Whether there are several variants, so that each is named.
    """
    for row in rows:
        subject = row["metric"] or row["kind"].replace("_", " ")
        where = f"{subject}{', ' + str(row['variant']) if several else ''}"
        sentence = _sentence(row, rows)
        if sentence:
            yield f"{where}: {sentence}"


def _sentence(row: Row, rows: Sequence[Row]) -> str:
    kind, p = row["kind"], row["p_value"]
    if kind == "rollout_stage":
        return str(row["detail"])
    if row["reason"] is not None or row["estimate"] is None:
        return ""
    if kind == "stagewise":
        return f"{_estimate(row)}, {p_equals(p)}. {row['detail']}"
    if kind == "site_wide_effect":
        return f"over all exposed units the effect is {_estimate(row)}. {row['detail']}"
    if kind == "futility" and row["statistic"] is not None and row["statistic"] < row["estimate"]:
        return "the planned effect is unlikely to be found any more (below the futility bound; advice only)."
    if p is not None and p <= REMARKABLE and (found := _remarkable(row, rows)):
        return found
    if kind in ("without_cap", "other_cap") and "something else" in str(row["detail"]):
        return f"{row['detail']} {_estimate(row)}."
    if kind == "chance_to_win":
        chance = _chance(row["estimate"])
        return f"better with a chance of {chance}{_loss(row, rows)} (weak prior; decides nothing)."
    return _of_design(row, rows)


def _of_design(row: Row, rows: Sequence[Row]) -> str:
    """Return the sentence of what only some designs have."""
    kind, p = row["kind"], row["p_value"]
    if kind in ("main_effect", "interaction"):
        return f"{kind.replace('_', ' ')} of {row['variant']} {_estimate(row)}, {p_equals(p)}."
    if kind == "randomisation_test":
        return f"by the randomisation of blocks {_estimate(row)}, {p_equals(p)}. {row['detail']}"
    if kind == "shipped_gap":
        return (
            f"the holdback differs from what was shipped by {_estimate(row)}, {p_equals(p)}. {row['detail']}"
        )
    if kind == "thompson_share":
        other = next((f", {one['estimate']:.1%} by top-two" for one in _of(row, rows, "top_two_share")), "")
        return f"{row['estimate']:.1%} of the next batch by Thompson sampling{other}."
    if kind in ("sustained_effect", "autocorrelated_effect"):
        where = f" in {row['segment']}" if row["segment"] else ""
        return f"{kind.replace('_', ' ')}{where} {_estimate(row)}, {p_equals(p)}. {row['detail']}"
    if kind == "weighted_effect":
        return f"with batches weighted by their shares {_estimate(row)}, {p_equals(p)}."
    return ""


def _remarkable(row: Row, rows: Sequence[Row]) -> str:
    """Return a sentence for what is worth one only where it is not likely by chance."""
    kind, p = row["kind"], row["p_value"]
    if kind == "heterogeneity":
        return (
            f"effects differ by {row['dimension']} ({p_equals(p)}); drawn together: {_segments(row, rows)}."
        )
    if kind in ("cohort_change", "novelty"):
        return f"the effect changes with time ({p_equals(p)}). {row['detail']} {_estimate(row)}."
    if kind == "experiment_interaction":
        return f"the effect depends on {row['dimension']} ({p_equals(p)}). {row['detail']} {_estimate(row)}."
    if kind == "carry_over":
        return f"the effect carries over into the next block ({p_equals(p)}): leave out more time after a switch."
    return ""


def _chance(value: float) -> str:
    return "under 0.1%" if value < 0.001 else "over 99.9%" if value > 0.999 else f"{value:.1%}"


def _estimate(row: Row) -> str:
    if row["ci_lower"] is None:
        return signed(row["estimate"])
    return f"{signed(row['estimate'])} [{signed(row['ci_lower'])}, {signed(row['ci_upper'])}]"


def _of(row: Row, rows: Sequence[Row], kind: str) -> Iterator[Row]:
    for other in rows:
        if other["kind"] == kind and all(
            other[name] == row[name] for name in ("metric", "metric_version", "variant")
        ):
            yield other


def _segments(row: Row, rows: Sequence[Row]) -> str:
    parts = (other for other in _of(row, rows, "segment_effect") if other["dimension"] == row["dimension"])
    return ", ".join(
        f"{part['segment']} {signed(part['estimate'])}" for part in parts if part["estimate"] is not None
    )


def _loss(row: Row, rows: Sequence[Row]) -> str:
    loss = next((other["estimate"] for other in _of(row, rows, "loss_of_variant")), None)
    return "" if loss is None else f", expected loss of choosing it {loss:.2g}"
