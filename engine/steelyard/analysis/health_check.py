"""One row of the table ``health``."""

from typing import Any


def check(name: str, status: str, detail: str, **others: Any) -> dict[str, Any]:
    """Return a row.

    Args:
        name: What is checked.
        status: pass, warn or fail.
        detail: What was found, in words.
        others: Other columns.
    """
    blank = {
        "dimension": "",
        "segment": "",
        "statistic": None,
        "p_value": None,
        "threshold": None,
        "metric": "",
        "variant": "",
    }
    return {**blank, "check_name": name, "status": status, "detail": detail, **others}
