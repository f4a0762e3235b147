"""What a run would read, told before anything is spent; and a refusal where that is more than allowed."""

from collections.abc import Iterable, Iterator

from steelyard.compile.plan import GroupPlan
from steelyard.errors import WarehouseError
from steelyard.run.pipeline import RunOptions
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.reading import Reading, total

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def reading_queries(plan: GroupPlan) -> Iterator[tuple[str, str]]:
    """Yield what each query reads that goes to the project's own tables, and its SQL."""
    yield "the exposures", plan.text(plan.seen_units())
    for scan in plan.group.scans:
        yield f"the facts of {scan.name}", plan.text(plan.facts_query(scan))


def planned_reading(plans: Iterable[GroupPlan], warehouse: Warehouse) -> Reading | None:
    """Return what plans read, each scan once; None where the warehouse does not tell."""
    readings = []
    for plan in plans:
        for _, sql in reading_queries(plan):
            reading = warehouse.reading(sql)
            if reading is None:
                return None
            readings.append(reading)
    return total(readings)


def require_budget(plans: Iterable[GroupPlan], warehouse: Warehouse, options: RunOptions) -> None:
    """Check a run against its budget; nothing has been read yet.

    Raises:
        WarehouseError: It would read more rows or bytes than allowed, or the warehouse does not tell how many.
    """
    if options.max_rows is None and options.max_bytes is None:
        return
    reading = planned_reading(plans, warehouse)
    if reading is None:
        raise WarehouseError(
            f"{warehouse.dialect} does not tell what a query would read",
            where="--max-rows, --max-bytes",
            hint="set a limit in the warehouse itself, such as statement_timeout_seconds in profiles.yml",
        )
    if options.max_rows is not None and reading.rows is None:
        raise WarehouseError(
            f"{warehouse.dialect} does not tell how many rows a query would read",
            where="--max-rows",
            hint="limit the bytes: --max-bytes",
        )
    hint = "raise the limit, --select fewer experiments, or shorten covariate_lookback; nothing has been read"
    if options.max_rows is not None and reading.rows is not None and reading.rows > options.max_rows:
        raise WarehouseError(
            f"the run would read {reading.rows:,} rows, more than {options.max_rows:,}",
            where="--max-rows",
            hint=hint,
        )
    if options.max_bytes is not None and reading.size > options.max_bytes:
        raise WarehouseError(
            f"the run would read {shown_size(reading.size)}, more than {shown_size(options.max_bytes)}",
            where="--max-bytes",
            hint=hint,
        )


def told_reading(reading: Reading) -> str:
    """Return what a run reads, as a sentence.

    Examples:
        >>> told_reading(Reading(rows=1200, size=48_000)), told_reading(Reading(rows=None, size=12))
        ('a run reads at most 1,200 rows, about 48.0 kB', 'a run reads at most 12 B')
    """
    size = shown_size(reading.size)
    told = size if reading.rows is None else f"{reading.rows:,} rows, about {size}"
    return f"a run reads at most {told}"


def shown_size(size: int) -> str:
    """Return bytes in a unit that a person reads.

    Examples:
        >>> shown_size(1_400_000), shown_size(12)
        ('1.4 MB', '12 B')
    """
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{size} B"
