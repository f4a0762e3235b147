"""What reading the events costs, whatever is done with them."""

from collections.abc import Mapping
from typing import Any

from benchmarks.child import measure
from benchmarks.ways.data import open_views

QUERIES = {
    "scan": "select count(*), sum(value) from events",
    "group": "select count(*) from (select user_id, sum(value) as total from events group by user_id)",
}


def run(settings: Mapping[str, Any]) -> dict[str, Any]:
    open_views(settings).execute(QUERIES[settings["query"]]).fetchall()
    return {}


if __name__ == "__main__":
    measure(run)
