"""Which designs go with what: every design with everything that composes, but for what is listed."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

_OUTCOMES = "its shares follow outcomes, so that no bound in time knows its information"
_BLOCKS = "blocks of time are few, and are read once"
_MEMBERS = "large clusters count for more: a ratio of sums, or a quantile of rows"
_PLAIN = "every metric is tested for any difference"
_ANY = "it bounds no chance of any false alarm"

DESIGN_REFUSED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "fixed_split": {},
        "aa": {
            "hypothesis: superiority one-sided": _PLAIN,
            "hypothesis: non-inferiority relative": _PLAIN,
            "hypothesis: non-inferiority absolute": _PLAIN,
            "correction: none": _ANY,
            "correction: bh": _ANY,
            "correction: e_bh": _ANY,
        },
        "rollout": {},
        "bandit": {"test: group_sequential": _OUTCOMES, "test: always_valid": _OUTCOMES},
        "factorial": {},
        "cluster": {
            "metric: mean": _MEMBERS,
            "metric: proportion": _MEMBERS,
            "metric: windowed": _MEMBERS,
            "metric: capped": _MEMBERS,
        },
        "holdback": {},
        "switchback": {
            "test: group_sequential": _BLOCKS,
            "test: always_valid": _BLOCKS,
            "adjustment: cuped": "a block has no past of its own",
            "metric: quantile": "a block has a mean or a ratio",
            "trigger": "a block is as it is, whoever met what in it",
        },
    }
)
"""By design, what it does not go with and why. Of a cluster, windowed and capped means; its ratios may be both."""


def design_lines() -> Iterator[str]:
    """Yield the designs for people.

    Examples:
        >>> next(design_lines())
        'designs, each with all of it, dimensions and triggers, but for what is listed'
    """
    yield "designs, each with all of it, dimensions and triggers, but for what is listed"
    for design, refused in DESIGN_REFUSED.items():
        if not refused:
            yield f"  {design}: all"
            continue
        by_reason: dict[str, list[str]] = {}
        for what, reason in refused.items():
            by_reason.setdefault(reason, []).append(what)
        for number, (reason, named) in enumerate(by_reason.items()):
            head = f"  {design}: not " if number == 0 else "    not "
            yield f"{head}{', '.join(named)}: {reason}"
