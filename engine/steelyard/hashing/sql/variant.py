"""A variant as SQL: integer cuts, never floating point."""

from collections.abc import Sequence

from sqlglot import exp

from steelyard.errors import SpecError


def variant_sql(bucket: exp.Expr, variants: Sequence[str], cuts: Sequence[int]) -> exp.Expr:
    """The name of the variant that owns a bucket; NULL past the last cut and where the bucket is NULL.

    Args:
        bucket: The bucket's expression.
        variants: The variants' names, in order.
        cuts: Where each one's buckets end, from `steelyard.hashing.cuts_of`.

    Raises:
        SpecError: There are not as many names as cuts.

    Examples:
        >>> variant_sql(exp.column("b"), ["control", "treatment"], (5000, 10000)).sql()
        "CASE WHEN b < 5000 THEN 'control' WHEN b < 10000 THEN 'treatment' END"
    """
    if not variants or len(variants) != len(cuts):
        raise SpecError(f"{len(variants)} variants and {len(cuts)} cuts", hint="give one cut per variant")
    case = exp.Case()
    for variant, cut in zip(variants, cuts, strict=True):
        below = exp.LT(this=bucket.copy(), expression=exp.Literal.number(cut))
        case = case.when(below, exp.Literal.string(variant))
    return case
