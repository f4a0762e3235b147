"""Publishing a programme: its log and the allocation that follows from it, together or not at all."""

from collections.abc import Mapping, Sequence

from steelyard.errors import WarehouseError
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.names import quoted
from steelyard.warehouse.stored import to_stored
from steelyard.warehouse.tables import ALLOCATION, ALLOCATION_LOG


def publish_programme(
    warehouse: Warehouse,
    schema: str,
    programme: str,
    *,
    lines: Sequence[Mapping[str, object]],
    allocation: Sequence[Mapping[str, object]],
) -> int:
    """Put a programme's log and allocation in the place of shorter ones.

    Args:
        warehouse: Where.
        schema: Schema of the engine's tables, which exist.
        programme: Name of the programme.
        lines: Rows of ``allocation_log``, all of them in order.
        allocation: Rows of ``allocation`` that follow from them.

    Returns:
        Number of lines that are new to the warehouse; nothing is written where it is 0.

    Raises:
        WarehouseError: The warehouse holds lines that the log lacks; then nothing has changed.
    """
    where = f"table {schema}.{ALLOCATION_LOG.name}"
    rows = {
        table.name: to_stored(table, given, where=f"table {schema}.{table.name}")
        for table, given in ((ALLOCATION_LOG, lines), (ALLOCATION, allocation))
    }
    with warehouse.transaction():
        known = [
            str(value)
            for (value,) in warehouse.query(
                f'select "hash" from {quoted(ALLOCATION_LOG.name, schema)} where "programme" = ? order by "seq"',
                [programme],
            )
        ]
        hashes = [str(line["hash"]) for line in lines]
        if known != hashes[: len(known)]:
            _refuse(known, hashes, programme, where)
        if known == hashes:
            return 0
        new = rows[ALLOCATION_LOG.name][len(known) :]
        warehouse.replace_rows(ALLOCATION_LOG, schema, owner=None, gone=None, rows=new)
        gone = ('"programme" = ?', [programme])
        warehouse.replace_rows(ALLOCATION, schema, owner=None, gone=gone, rows=rows[ALLOCATION.name])
    return len(hashes) - len(known)


def _refuse(known: Sequence[str], hashes: Sequence[str], programme: str, where: str) -> None:
    same = next(
        (i for i, (one, two) in enumerate(zip(known, hashes, strict=False)) if one != two), len(hashes)
    )
    what = "lacks it" if same == len(hashes) else "has another one there"
    raise WarehouseError(
        f"line {same + 1} of the programme {programme!r} is published, and the project's log {what}",
        where=where,
        hint="someone published claims that this project does not have: pull them, and claim again",
    )
