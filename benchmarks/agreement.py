"""Whether the ways agree on effects and standard errors where they estimate the same thing."""

from collections.abc import Iterator, Mapping

from benchmarks.measured import Measured

TOLERANCE = 1e-6
PAIRS = (
    ("per_metric", "hand", "pooled"),
    ("tea", "hand", "pooled"),
    ("look", "hand", "separate"),
    ("series", "hand", "separate"),
)


def agreement(measured: Mapping[str, Measured]) -> Iterator[str]:
    """Yield one sentence per pair of ways; the largest difference is in standard errors.

    Raises:
        SystemExit: Two ways disagree.
    """
    for one, other, method in PAIRS:
        if one not in measured or other not in measured:
            continue
        ours, theirs = (measured[name].found["estimates"][method] for name in (one, other))
        if set(ours) != set(theirs):
            raise SystemExit(f"{one} has the metrics {sorted(ours)}, {other} {sorted(theirs)}")
        worst = max(
            abs(a - b) / theirs[name][1]
            for name in ours
            for a, b in zip(ours[name], theirs[name], strict=True)
        )
        if worst > TOLERANCE:
            raise SystemExit(f"{one} and {other} differ by {worst:.1e} standard errors")
        yield f"`{one}` and `{other}` agree on {len(ours)} effects and standard errors to {worst:.0e} standard errors."
