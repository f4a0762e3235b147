"""A ruleset's bytes: the same content gives the same bytes, and so the same version."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from steelyard.assign.reading import SECTIONS, version_of
from steelyard.assign.ruleset import SCHEMA

MOST_RANGES = 64


def seal(content: Mapping[str, Any]) -> bytes:
    """The bytes of a ruleset: its content with the schema and the version.

    One line per entry, names sorted, so that a version differs from the one before where it should.

    Args:
        content: Everything but ``schema`` and ``version``; see `steelyard.assign.reading`.
    """
    unsealed = "".join(_pieces(content)).encode()
    return unsealed.replace(b'"version":""', f'"version":"{version_of(unsealed)}"'.encode(), 1)


def _pieces(content: Mapping[str, Any]) -> Iterator[str]:
    yield f'{{"schema":{SCHEMA},\n"version":""'
    for key in sorted(content, key=lambda key: (key in SECTIONS, key)):
        yield f",\n{_json(key)}:"
        if key in SECTIONS and content[key]:
            entries = (f"{_json(name)}:{_json(content[key][name])}" for name in sorted(content[key]))
            yield "{\n" + ",\n".join(entries) + "\n}"
        else:
            yield _json(content[key])
    yield "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def gate_json(programme: str, members: Iterable[int], buckets: int) -> dict[str, Any]:
    """A gate: ranges of buckets where there are few of them, else one bit per bucket.

    Examples:
        >>> gate_json("shop", range(2500), 10_000)
        {'programme': 'shop', 'count': 2500, 'ranges': [[0, 2500]]}
    """
    found = sorted(set(members))
    head = {"programme": programme, "count": len(found)}
    ranges = _ranges(found)
    if len(ranges) <= MOST_RANGES:
        return {**head, "ranges": ranges}
    bits = bytearray((buckets + 7) // 8)
    for bucket in found:
        bits[bucket >> 3] |= 1 << (bucket & 7)
    return {**head, "bits": base64.b64encode(bits).decode()}


def _ranges(members: list[int]) -> list[list[int]]:
    ranges: list[list[int]] = []
    for bucket in members:
        if ranges and ranges[-1][1] == bucket:
            ranges[-1][1] += 1
        else:
            ranges.append([bucket, bucket + 1])
    return ranges
