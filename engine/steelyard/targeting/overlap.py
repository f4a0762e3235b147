"""Whether two rules can hold for the same unit."""

from steelyard.targeting.rule import AllOf, Op, Rule, Scalar, Test, kind_of

Values = frozenset[tuple[str | None, Scalar]]


def are_disjoint(one: Rule | None, other: Rule | None) -> bool:
    """Whether rules provably never hold together: they name values of one attribute that do not meet.

    Only ``equals`` and ``in`` at the top, or within ``all``, prove anything; False is "not proven".

    Examples:
        >>> from steelyard.targeting.rule import parse_rule
        >>> singapore = parse_rule({"attribute": "country", "equals": "SG"})
        >>> others = parse_rule({"attribute": "country", "in": ["MY", "TH"]})
        >>> are_disjoint(singapore, others), are_disjoint(singapore, None)
        (True, False)
    """
    left, right = _named(one), _named(other)
    return any(not left[attribute] & right[attribute] for attribute in left.keys() & right.keys())


def _named(rule: Rule | None) -> dict[str, Values]:
    """The values that each attribute must have one of."""
    if isinstance(rule, Test):
        if rule.op is Op.EQUALS:
            assert not isinstance(rule.value, tuple)
            return {rule.attribute: _tagged((rule.value,))}
        if rule.op is Op.IN:
            assert isinstance(rule.value, tuple)
            return {rule.attribute: _tagged(rule.value)}
    if not isinstance(rule, AllOf):
        return {}
    found: dict[str, Values] = {}
    for part in rule.rules:
        for attribute, values in _named(part).items():
            found[attribute] = found[attribute] & values if attribute in found else values
    return found


def _tagged(values: tuple[Scalar, ...]) -> Values:
    """Values with their kinds: in Python True equals 1."""
    return frozenset(
        (kind, float(value) if kind == "number" else value) for value in values for kind in (kind_of(value),)
    )
