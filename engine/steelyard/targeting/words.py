"""A rule in words."""

from steelyard.targeting.rule import AllOf, AnyOf, Negation, Op, Rule, Test


def describe(rule: Rule) -> str:
    """A rule as one line of text.

    Examples:
        >>> from steelyard.targeting.rule import parse_rule
        >>> adults = {"attribute": "age", "at_least": 18}
        >>> describe(parse_rule({"all": [adults, {"not": {"attribute": "country", "in": ["SG", "MY"]}}]}))
        "age at least 18 and not (country in 'SG', 'MY')"
    """
    match rule:
        case AllOf(rules):
            return " and ".join(_inner(one) for one in rules)
        case AnyOf(rules):
            return " or ".join(_inner(one) for one in rules)
        case Negation(inner):
            return f"not ({describe(inner)})"
        case Test(attribute, Op.EXISTS, _):
            return f"{attribute} at all"
        case Test(attribute, op, value):
            values = value if isinstance(value, tuple) else (value,)
            return f"{attribute} {op.value.replace('_', ' ')} {', '.join(map(repr, values))}"


def _inner(rule: Rule) -> str:
    return f"({describe(rule)})" if isinstance(rule, AllOf | AnyOf) else describe(rule)
