"""Ledgers and logs as rows of the warehouse's tables."""

from collections.abc import Iterator, Sequence
from typing import Any

from steelyard.assign.allocation.ledger import Ledger
from steelyard.assign.allocation.lines import Line


def allocation_rows(ledger: Ledger) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``allocation``: a bucket, its owner, and from when until when."""
    for tenure in ledger.tenures:
        if tenure.valid_from == tenure.valid_to:
            continue
        common = {
            "programme": ledger.programme.programme,
            "owner": tenure.owner,
            "valid_from": tenure.valid_from,
            "valid_to": tenure.valid_to,
            "node": tenure.node,
            "kind": tenure.kind,
            "seq": tenure.seq,
        }
        yield from ({**common, "bucket": bucket} for bucket in sorted(tenure.buckets))


def log_rows(programme: str, lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``allocation_log``."""
    for line in lines:
        yield {
            "programme": programme,
            "seq": line.seq,
            "at": line.at,
            "by": line.by,
            "op": line.event.op,
            "owner": line.event.owner,
            "line": line.text,
            "hash": line.hash,
            "previous": line.previous,
        }
