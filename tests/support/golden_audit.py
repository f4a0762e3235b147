"""What an audit asks of the log of the running project, for the golden SQL: one statement of each kind.

And the rules of who is eligible, as an audit puts them into the dialect of the log's warehouse.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlglot import exp
from tests.support.golden_running import DAYS, FILES

from steelyard.compile.audit_log import AuditedLog
from steelyard.compile.audit_sql import (
    Claims,
    Held,
    Rule,
    claims_of,
    counts_query,
    recomputed_query,
    versions_query,
)
from steelyard.compile.audit_trials import (
    Trial,
    bins_query,
    explained_by,
    rest_query,
    sample_query,
    trial_query,
    trials,
)
from steelyard.compile.exposure_sql import NumberedExperiment
from steelyard.compile.targeting_sql import Attribute, Kind, rule_sql
from steelyard.dialects.registry import DIALECTS
from steelyard.errors import CompileError
from steelyard.hashing import SCHEMES, BucketSet
from steelyard.hashing.variations import variations
from steelyard.run.collect import project_templates
from steelyard.targeting import parse_rule

# A test of each kind, by the kind of the attribute that it is of.
RULES: Mapping[str, tuple[Kind, Any]] = {
    "texts": (
        "text",
        {"any": [{"attribute": "of", "in": ["SG", "it's"]}, {"not": {"attribute": "of", "equals": "x"}}]},
    ),
    "prefix": ("text", {"attribute": "of", "prefix": "a_%"}),
    "exists": ("text", {"not": {"attribute": "of", "exists": True}}),
    "numbers": (
        "number",
        {"all": [{"attribute": "of", "at_least": 0.5}, {"not": {"attribute": "of", "in": [1, 2.5]}}]},
    ),
    "flags": ("boolean", {"attribute": "of", "in": [True]}),
    "versions": ("text", {"attribute": "of", "version_at_least": "2.1.0-rc.1"}),
    "days": ("date", {"attribute": "of", "since": "2026-04-01"}),
    "moments": ("timestamp", {"attribute": "of", "before": "2026-04-01T00:00:00Z"}),
    "zoned_moments": ("timestamptz", {"attribute": "of", "until": "2026-04-01T00:00:00+08:00"}),
    "written_moments": ("text", {"attribute": "of", "after": "2026-04-01"}),
}
AUDITED_NAMES = ("button", "banner")
SAMPLE, REST = "audit_sample_0", "audit_sample_1"
_EARLIER = Rule(
    scheme=SCHEMES["sha256"], salt="button-2025", variants=("control", "treatment"), shares=(9000, 1000)
)


def audited_query(dialect: str, columns: Mapping[str, str]) -> str:
    """Return the statement that reads the log; takes what `audit_statements` takes."""
    numbered = [
        NumberedExperiment(number=number, spec=FILES.experiments[name], as_of=DAYS[-1])
        for number, name in enumerate(AUDITED_NAMES, start=1)
    ]
    log = AuditedLog(name="app", numbered=numbered, dialect=dialect, columns=columns)
    return log.query(FILES, project_templates(FILES))


def audit_statements(dialect: str, columns: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the statements of an audit by name, in the order in which it runs them.

    Args:
        dialect: Dialect of the target.
        columns: Columns of the log with their types.
    """
    yield "audited", audited_query(dialect, columns)
    button, banner = (Rule.of(FILES.experiments[name]) for name in AUDITED_NAMES)
    yield "recomputed", recomputed_query(button, 1, dialect, _claims(dialect), ["7", "8"])
    yield "recomputed_banner", recomputed_query(banner, 2, dialect, Claims())
    yield "counts", counts_query(dialect)
    yield "versions", versions_query(dialect)
    yield "sample", sample_query(button, dialect)
    tried = _one_of_each_kind(button, dialect)
    yield "trials", trial_query(list(enumerate(tried)), SAMPLE, dialect)
    client = {"client": "android", "app_version": "1.9.4"}
    explained = [explained_by(tried[0], client, is_all=False), explained_by(tried[-1], client, is_all=True)]
    yield "rest", rest_query(SAMPLE, explained, dialect)
    yield "bins", bins_query(button, REST, dialect)


def _claims(dialect: str) -> Claims:
    def held(salt: str, members: list[int], end: datetime | None) -> Held:
        buckets = BucketSet(scheme=SCHEMES["sha256"], salt=salt, buckets=100, members=members)
        return Held(buckets=buckets, first=datetime(2026, 3, 31, 16), end=end)

    inside = [held("checkout", list(range(90)), None)]
    return claims_of(inside, [held("holdback", [3, 57], datetime(2026, 4, 20, 16))], dialect)


def _one_of_each_kind(rule: Rule, dialect: str) -> list[Trial]:
    ways = variations(rule.scheme, rule.salt, {"the experiment banner": "banner-2026"})
    found: dict[tuple[str, bool], Trial] = {}
    for trial in trials(rule, ways, dialect, {"6": _EARLIER}):
        found.setdefault((trial.kind, trial.is_dear), trial)
    return list(found.values())


def targeting_statements(dialect: str) -> tuple[dict[str, str], str]:
    """Return a query for each of `RULES` that the dialect can say, and what is said of the others."""
    found, refused = {}, []
    for name, (kind, rule) in RULES.items():
        condition = rule_sql(parse_rule(rule), {"of": Attribute(exp.column("attribute"), kind)})
        query = exp.select("unit").from_("audited").where(condition)
        try:
            found[f"eligible_by_{name}"] = DIALECTS[dialect].generate(query)
        except CompileError as error:
            refused.append(f"{name}: {error}\n")
    return found, "".join(refused)
