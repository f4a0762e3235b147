from itertools import product

import duckdb
import pytest

from steelyard.compile.exposure_sql import first_variant, firsts


def first_variants(rows, *, dimensions, variants):
    """Return the first variant of each unit as the engine's SQL finds it in (unit, moment, variant, country)."""
    columns = ", ".join(
        f"{one['tree'].sql('duckdb')} as {one['name']}" for one in firsts(dimensions, variants=variants)
    )
    chosen = first_variant(dimensions, variants=variants).sql("duckdb")
    with duckdb.connect() as connection:
        connection.execute(
            "create table logged (unit int, exposed_at timestamp, variant_no int, dim_country text)"
        )
        connection.executemany("insert into logged values (?, ?, ?, ?)", rows)
        return dict(
            connection.execute(
                f"""with seen as (select unit, min(exposed_at) as exposed_at, {columns} from logged group by unit)
                select unit, {chosen} from seen"""
            ).fetchall()
        )


@pytest.mark.parametrize("dimensions", [[], ["country"]], ids=["without dimensions", "with a dimension"])
def test_first_variant_is_that_of_the_earliest_row_and_the_smaller_of_two_at_once(dimensions):
    times = ["2026-04-01 00:00:00", "2026-04-01 00:00:00.000001", "2026-04-02"]
    orders = list(product(times, repeat=3))
    rows = [
        (unit, moment, variant, "SG")
        for unit, order in enumerate(orders)
        for variant, moment in enumerate(order)
    ]
    found = first_variants(rows, dimensions=dimensions, variants=3)
    assert found == {unit: order.index(min(order)) for unit, order in enumerate(orders)}


def test_first_variant_is_known_where_a_unit_was_in_few_of_many_variants():
    rows = [
        (1, "2026-04-02", 1, "SG"),
        (1, "2026-04-01", 3, "SG"),
        (2, "2026-04-01", 2, "SG"),
        (3, "2026-04-01", 3, "SG"),
    ]
    assert first_variants(rows, dimensions=[], variants=4) == {1: 3, 2: 2, 3: 3}
