"""A result in a few words."""

from collections.abc import Mapping
from typing import Any

_FOUND = {
    "superiority": ("significant", "not significant"),
    "non_inferiority": ("within the margin", "not shown to be within the margin"),
    "deterioration": ("significantly worse", "not significantly worse"),
}


def label_of(row: Mapping[str, Any]) -> str:
    """Return the column ``label`` of a result.

    Args:
        row: The result's other columns.

    Examples:
        >>> label_of({"effect": 0.02, "relative_effect": 0.043, "relative_effect_ci_lower": 0.01,
        ...           "relative_effect_ci_upper": 0.0764, "significant": True, "hypothesis": "superiority"})
        '+4.3% (+1.0% to +7.6%): significant'
    """
    if row["effect"] is None:
        return "no result yet"
    worth = "no test" if row["significant"] is None else _FOUND[row["hypothesis"]][not row["significant"]]
    return f"{_size(row)}: {worth}"


def _size(row: Mapping[str, Any]) -> str:
    """Return the effect with its interval, relative where there is one."""
    for name, form in (("relative_effect", "{:+.1%}"), ("effect", "{:+.4g}")):
        value, low, high = (row[f"{name}{end}"] for end in ("", "_ci_lower", "_ci_upper"))
        if low is not None:
            return f"{form.format(value)} ({form.format(low)} to {form.format(high)})"
    if row["relative_effect"] is not None:
        return f"{row['relative_effect']:+.1%}"
    return f"{row['effect']:+.4g}"
