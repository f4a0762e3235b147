import numpy as np
import pytest

from steelyard.metric_types.registry import METRIC_TYPES
from steelyard.stats.adjustment import full, unadjusted
from steelyard.stats.moments import Moments
from steelyard.stats.poststratification import poststratify
from steelyard.stats.reasons import STRATA_MERGED

rng = np.random.default_rng(5)


def cells(values: np.ndarray, stratum: np.ndarray, variant: np.ndarray, strata: int) -> Moments:
    empty = Moments(n=0, mean=[0.0], m2=[[0.0]])
    grid = []
    for s in range(strata):
        parts = [values[(stratum == s) & (variant == k), None] for k in (0, 1)]
        grid.append(Moments.stack([Moments.from_rows(part) if len(part) else empty for part in parts]))
    return Moments.stack(grid, axis=0)


def sample(n: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    stratum, variant = rng.integers(0, 3, n), rng.integers(0, 2, n)
    return stratum * 2.0 + variant * (1 + stratum) + rng.normal(size=n) * (1 + stratum), stratum, variant


def test_effect_and_variance_are_the_weighted_sums_of_their_definition() -> None:
    values, stratum, variant = sample()
    pair = poststratify(cells(values, stratum, variant, 3)).pairs()
    effects, noise, weights = [], [], []
    for s in range(3):
        groups = [values[(stratum == s) & (variant == k)] for k in (0, 1)]
        effects.append(groups[1].mean() - groups[0].mean())
        noise.append(sum(group.var(ddof=1) / len(group) for group in groups))
        weights.append((stratum == s).mean())
    effects, noise, weights = map(np.array, (effects, noise, weights))
    effect = (weights * effects).sum()
    assert pair.effect.item() == pytest.approx(effect, rel=1e-12)
    between = (weights * (effects - effect) ** 2).sum() / len(values)
    assert pair.variance.item() == pytest.approx((weights**2 * noise).sum() + between, rel=1e-12)
    finite = poststratify(cells(values, stratum, variant, 3), superpopulation=False).pairs()
    assert finite.variance.item() == pytest.approx((weights**2 * noise).sum(), rel=1e-12)


def test_equals_adjustment_by_stratum_dummies_up_to_degrees_of_freedom() -> None:
    values, stratum, variant = sample(20_000)
    rows = np.column_stack([values, stratum == 1, stratum == 2]).astype(float)
    moments = Moments.stack([Moments.from_rows(rows[variant == k]) for k in (0, 1)])
    dummies = full(moments).pairs()
    strata = poststratify(cells(values, stratum, variant, 3)).pairs()
    assert strata.effect.item() == pytest.approx(dummies.effect.item(), rel=1e-10)
    # Regression pools the residual variance over strata; the strata have their own.
    assert strata.std_error.item() == pytest.approx(dummies.std_error.item(), rel=0.02)


def test_one_stratum_is_the_plain_comparison() -> None:
    values, stratum, variant = sample()
    one = poststratify(cells(values, stratum * 0, variant, 1)).pairs()
    raw = unadjusted(cells(values, stratum * 0, variant, 1)[0]).pairs()
    for name in ("effect", "std_error", "df"):
        assert getattr(one, name).item() == pytest.approx(getattr(raw, name).item(), rel=1e-12)
    assert not one.notes[STRATA_MERGED].any()


@pytest.mark.parametrize("other", [None, 0], ids=["own stratum", "declared other"])
def test_small_strata_are_merged_by_their_size_alone(other: int | None) -> None:
    values, stratum, variant = sample()
    stratum[:3], variant[:3] = [3, 4, 4], [0, 1, 1]
    merged = poststratify(cells(values, stratum, variant, 6), other=other).pairs()
    assert merged.notes[STRATA_MERGED].tolist() == [True]
    if other is None:
        # Strata 3 and 4 together have one unit of the control, so the smallest of the others joins them.
        smallest = min(range(3), key=lambda s: min(((stratum == s) & (variant == k)).sum() for k in (0, 1)))
        target = smallest
    else:
        target = other
    by_hand = np.where(stratum >= 3, target, stratum)
    expected = poststratify(cells(values, by_hand, variant, 3)).pairs()
    assert merged.effect.item() == pytest.approx(expected.effect.item(), rel=1e-12)
    assert merged.variance.item() == pytest.approx(expected.variance.item(), rel=1e-12)
    assert merged.df.item() == pytest.approx(expected.df.item(), rel=1e-12)


def test_small_strata_that_suffice_together_form_a_stratum() -> None:
    values, stratum, variant = sample()
    stratum[:4], variant[:4] = [3, 3, 4, 4], [0, 1, 0, 1]
    merged = poststratify(cells(values, stratum, variant, 5)).pairs()
    expected = poststratify(cells(values, np.minimum(stratum, 3), variant, 4)).pairs()
    assert merged.effect.item() == pytest.approx(expected.effect.item(), rel=1e-12)
    assert merged.variance.item() == pytest.approx(expected.variance.item(), rel=1e-12)


def test_cells_of_a_batch_merge_independently() -> None:
    first, second = sample(), sample()
    second[1][:2], second[2][:2] = 3, [0, 1]
    grids = [cells(*data, 4) for data in (first, second)]
    together = poststratify(Moments.stack(grids, axis=0)).pairs()
    assert together.notes[STRATA_MERGED][:, 0].tolist() == [False, True]
    for cell, grid in enumerate(grids):
        alone = poststratify(grid).pairs()
        assert together.effect[cell] == pytest.approx(alone.effect, rel=1e-12)
        assert together.variance[cell] == pytest.approx(alone.variance, rel=1e-12)


def test_ratio_is_post_stratified_as_it_is_adjusted_by_dummies() -> None:
    _, stratum, variant = sample(20_000)
    d = rng.poisson(2 + stratum) + 1.0
    y = d * (0.2 + 0.1 * stratum + 0.05 * variant) + rng.normal(size=20_000)
    rows = np.column_stack([y, d, stratum == 1, stratum == 2]).astype(float)
    by_variant = Moments.stack([Moments.from_rows(rows[variant == k]) for k in (0, 1)])
    reduced = METRIC_TYPES["ratio"].reduce(by_variant)
    dummies = full(reduced.moments, reason=reduced.reason).pairs()
    grid = Moments.stack(
        [
            Moments.stack([Moments.from_rows(rows[(stratum == s) & (variant == k), :2]) for k in (0, 1)])
            for s in range(3)
        ],
        axis=0,
    )
    strata = METRIC_TYPES["ratio"].reduce(grid, about=grid.pool(-2)[..., None, :])
    pair = poststratify(strata.moments).pairs()
    assert pair.effect.item() == pytest.approx(dummies.effect.item(), rel=1e-10)
    assert pair.std_error.item() == pytest.approx(dummies.std_error.item(), rel=0.02)


def test_reason_of_the_metric_type_goes_before_what_follows_from_it() -> None:
    good = Moments.from_rows(rng.uniform(1, 2, (50, 2)))
    flat = Moments.from_rows(np.column_stack([rng.uniform(1, 2, 50), np.zeros(50)]))
    grid = Moments.stack([Moments.stack([good, flat]), Moments.stack([good, flat])], axis=0)
    kind, whole = METRIC_TYPES["ratio"], grid.pool(-2)
    strata, reason = kind.reduce(grid, about=whole[..., None, :]).moments, kind.reduce(whole).reason
    pair = poststratify(strata, reason=reason).pairs()
    assert pair.reason.tolist() == ["zero_denominator"]
    assert np.isnan([pair.effect, pair.std_error]).all()
