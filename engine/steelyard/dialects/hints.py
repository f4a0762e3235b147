"""What to write instead of what a warehouse has no word for."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlglot import exp

HINTS: Mapping[type[exp.Expr], str] = MappingProxyType(
    {
        exp.Qualify: "number the rows in a subquery, and filter outside it",
        exp.Filter: "write the condition inside the aggregate: sum(case when … then … end)",
        exp.Round: "halves are rounded to even here and away from zero elsewhere; write floor(x + 0.5)",
        exp.PercentileCont: "take a quantile metric (type='quantile'), which counts rows in bins",
        exp.Median: "take a quantile metric (type='quantile', quantile=0.5), which counts rows in bins",
        exp.Extract: "take the parts year, month or day, which are counted alike everywhere",
        exp.AtTimeZone: "state the zone in steelyard.yml (timezone, naive_timestamps) and compare the column as it is",
        exp.ApproxDistinct: "count(distinct …) is exact, and is added up over days",
        exp.TimeToUnix: "take the difference of two moments, epoch(later - earlier), or name the metric's dialect",
        exp.TimestampTrunc: "cast to a date, or name the metric's dialect: weeks begin on different days",
        exp.RegexpLike: "write regexp_full_match(x, '…'), of the whole text, in letters, classes, groups and counts",
        exp.PercentileDisc: "write the share with at most six decimals",
    }
)
