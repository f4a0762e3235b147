"""Ways in which clients get assignments wrong, tried on a sample of what they logged.

For each client and way there are four numbers: wrong assignments that it explains, wrong ones whose bucket it moves,
how many of those chance would explain, and right ones that it would make wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from steelyard.compile.audit_log import LABELS
from steelyard.compile.audit_sql import (
    RECOMPUTED,
    RIGHT,
    SECOND_VARIANT,
    WRONG,
    WRONG_VARIANT,
    Rule,
    is_judged,
)
from steelyard.errors import CompileError, SpecError
from steelyard.hashing import SCHEMES
from steelyard.hashing.hashes import Digest
from steelyard.hashing.sql import bucket_sql, change_text
from steelyard.hashing.variations import Variation

SAMPLED = {WRONG_VARIANT: 1_000, SECOND_VARIANT: 1_000, RIGHT: 300}
"""So many assignments of each verdict and client are tried."""

PER_QUERY = 60
BINS = 200
"""Into so many bins the buckets are put to see where wrong assignments lie."""

_SALT = "steelyard-audit"

Condition = exp.Expr
"""That assignments are explained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A way that the warehouse can try.

    Attributes:
        kind: The kind of the cause.
        text: The end of "the client ...".
        bucket: The bucket of ``unit`` under it.
        rule: The rule whose shares split the buckets.
        buckets: Number of buckets.
        is_dear: Whether the warehouse takes long over it, so that it is tried on what nothing else explains.
    """

    kind: str
    text: str
    bucket: exp.Expr
    rule: Rule
    buckets: int
    is_dear: bool = False

    def variant(self, bucket: exp.Expr) -> exp.Expr:
        """Return the variant that a bucket has under it."""
        return self.rule.variant(bucket, self.buckets)


def trials(rule: Rule, ways: Iterator[Variation], dialect: str, earlier: Mapping[str, Rule]) -> list[Trial]:
    """Return what can be tried in a warehouse: ``earlier`` rules by their ruleset's version, then the variations."""
    found = [
        Trial(
            kind="stale_ruleset",
            text=f"assigns by the ruleset {version}",
            bucket=old.bucket(dialect),
            rule=old,
            buckets=old.scheme.buckets,
        )
        for version, old in earlier.items()
        if (old.scheme, old.salt, old.variants, old.shares)
        != (rule.scheme, rule.salt, rule.variants, rule.shares)
    ]
    for way in ways:
        try:
            bucket = _bucket(way, dialect)
        except (CompileError, SpecError):
            # The warehouse has no words for it, or the salt is none for that scheme: it cannot be tried there.
            continue
        found.append(
            Trial(
                kind=way.kind,
                text=way.text,
                bucket=bucket,
                rule=rule,
                buckets=way.buckets,
                is_dear=not isinstance(way.scheme.hash, Digest),
            )
        )
    return found


def _bucket(way: Variation, dialect: str) -> exp.Expr:
    unit = change_text(dialect, way.unit, exp.column("unit"))
    return bucket_sql(
        way.scheme,
        dialect,
        way.salt,
        unit,
        way.buckets,
        change_key=(lambda key: change_text(dialect, way.key, key)) if way.key else None,
    )


def sample_query(rule: Rule, dialect: str) -> str:
    """Return the query for the sample: some wrong and right assignments of each client that is wrong."""
    order = bucket_sql(SCHEMES["sha256-60"], dialect, _SALT, exp.column("unit"), 1 << 24)
    labels = [exp.column(name) for name in LABELS]
    numbered = exp.Window(
        this=exp.RowNumber(),
        partition_by=[*labels, exp.column("verdict")],
        order=exp.Order(expressions=[exp.Ordered(this=order), exp.Ordered(this=exp.column("unit"))]),
    )
    wrong = exp.Window(this=exp.Max(this=_one_if(is_judged(WRONG))), partition_by=list(labels))
    kept = ("unit", "variant", "expected", "bucket", "verdict", *LABELS)
    rows = (
        exp.select(*kept, numbered.as_("place"), wrong.as_("is_wrong")).from_(RECOMPUTED).where(is_judged())
    )
    places, chance = exp.Case(this=exp.column("verdict")), exp.Case()
    for verdict, most in SAMPLED.items():
        places = places.when(exp.Literal.string(verdict), exp.Literal.number(most), copy=False)
    for variant, share in zip(rule.variants, rule.shares, strict=True):
        chance = chance.when(
            exp.EQ(this=exp.column("variant"), expression=exp.Literal.string(variant)),
            exp.Literal.number(share),
            copy=False,
        )
    return (
        exp.select(*kept, chance.as_("chance"))
        .from_(rows.subquery("numbered"))
        .where(exp.LTE(this=exp.column("place"), expression=places))
        .where(exp.EQ(this=exp.column("is_wrong"), expression=exp.Literal.number(1)))
        .sql(dialect)
    )


def trial_query(numbered: Sequence[tuple[int, Trial]], sample: str, dialect: str) -> str:
    """Return the query for the numbers of some trials, by client.

    Args:
        numbered: Trials with their numbers; the columns are named ``explained_<number>`` and so on.
        sample: Name of the table with the sample.
        dialect: Dialect of the target.
    """
    labels = [exp.column(name) for name in LABELS]
    buckets = [trial.bucket.copy().as_(f"bucket_{number}", copy=False) for number, trial in numbered]
    source = exp.select("*", *buckets, copy=False).from_(sample, copy=False)
    columns = [column for number, trial in numbered for column in _numbers(number, trial)]
    return (
        exp.select(*labels, _sum_if(is_judged(WRONG)).as_("wrong"), *columns, copy=False)
        .from_(source.subquery("tried", copy=False), copy=False)
        .group_by(*(label.copy() for label in labels), copy=False)
        .sql(dialect)
    )


def _numbers(number: int, trial: Trial) -> Iterator[exp.Expr]:
    bucket = exp.column(f"bucket_{number}")
    is_it = _is_explained(trial, bucket)
    is_wrong, is_right = is_judged(WRONG), is_judged((RIGHT,))
    moved = exp.and_(is_wrong, exp.NEQ(this=bucket.copy(), expression=exp.column("bucket")))
    if trial.kind in ("buckets", "scheme", "stale_ruleset"):
        # Buckets of another number mean another thing.
        moved = exp.and_(is_wrong.copy(), exp.Not(this=exp.Is(this=bucket.copy(), expression=exp.null())))
    yield _sum_if(exp.and_(is_wrong.copy(), is_it)).as_(f"explained_{number}")
    yield _sum_if(moved).as_(f"moved_{number}")
    yield exp.Sum(this=_one_if(moved.copy(), exp.column("chance"))).as_(f"chance_{number}")
    yield exp.Sub(this=_sum_if(is_right), expression=_sum_if(exp.and_(is_right.copy(), is_it.copy()))).as_(
        f"contradicted_{number}"
    )


def rest_query(sample: str, explained: Sequence[exp.Expr], dialect: str) -> str:
    """Return the query for what is left of a sample without the assignments that are explained."""
    query = exp.select("*").from_(sample)
    if explained:
        query = query.where(exp.Not(this=exp.paren(exp.or_(*explained, copy=False), copy=False)), copy=False)
    return query.sql(dialect)


def bins_query(rule: Rule, sample: str, dialect: str) -> str:
    """Return the query for wrong assignments by client, bin of buckets and the two variants."""
    bucket, width = exp.column("bucket"), exp.Literal.number(bin_width(rule))
    low = exp.Sub(this=bucket, expression=exp.paren(exp.Mod(this=bucket.copy(), expression=width)))
    names = ("expected", "variant")
    keys = [*(exp.column(name) for name in LABELS), low, *(exp.column(name) for name in names)]
    return (
        exp.select(
            *(exp.column(name) for name in LABELS),
            low.copy().as_("low"),
            *names,
            exp.Count(this=exp.Star()).as_("assignments"),
        )
        .from_(sample)
        .where(is_judged(WRONG))
        .group_by(*(key.copy() for key in keys))
        .sql(dialect)
    )


def bin_width(rule: Rule) -> int:
    """Return how many buckets are in a bin."""
    return max(1, rule.scheme.buckets // BINS)


def explained_by(trial: Trial, client: Mapping[str, str], *, is_all: bool) -> exp.Expr:
    """Return the condition that a client's assignment is that of a trial; ``is_all``: every one of its are."""
    conditions: list[exp.Expr] = [
        exp.EQ(this=exp.column(label), expression=exp.Literal.string(client[label])) for label in LABELS
    ]
    if not is_all:
        conditions.append(_is_explained(trial, trial.bucket.copy()))
    return exp.and_(*conditions, copy=False)


def _is_explained(trial: Trial, bucket: exp.Expr) -> exp.Expr:
    predicted = exp.Coalesce(this=trial.variant(bucket), expressions=[exp.Literal.string("")])
    return exp.EQ(this=predicted, expression=exp.column("variant"))


def _one_if(condition: exp.Expr, value: exp.Expr | None = None) -> exp.Expr:
    one = exp.Literal.number(1) if value is None else value
    return exp.Case(ifs=[exp.If(this=condition, true=one)], default=exp.Literal.number(0))


def _sum_if(condition: exp.Expr) -> exp.Expr:
    return exp.Sum(this=_one_if(condition))
