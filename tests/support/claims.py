"""Programmes to claim in, without files."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from steelyard.assign.allocation.events import Event, HoldBack, Open, Share, Start
from steelyard.assign.allocation.ledger import Ledger
from steelyard.assign.allocation.log import ClaimLog

MORNING = datetime(2026, 4, 1, tzinfo=UTC)
HALVES = (Share(name="control", share=5000), Share(name="treatment", share=5000))


def opening(**changes: Any) -> Open:
    values = {
        "programme": "main",
        "unit": "user",
        "salt": "main",
        "scheme": "sha256-60",
        "buckets": 1000,
        "exclusive": "all",
        "strategy": "bucket_reuse",
    }
    return Open.model_validate({**values, **changes})


def start(owner: str, buckets: int = 100, **changes: Any) -> Start:
    values = {"owner": owner, "buckets": buckets, "salt": owner, "scheme": "sha256", "shares": HALVES}
    return Start.model_validate({**values, **changes})


def holdback(owner: str, buckets: int = 50, **changes: Any) -> HoldBack:
    return HoldBack.model_validate({"owner": owner, "buckets": buckets, **changes})


@dataclass
class World:
    """A log on disk and a clock that moves one day per claim."""

    path: Path
    open: Open
    now: datetime = MORNING
    log: ClaimLog = field(init=False)

    def __post_init__(self) -> None:
        self.log = ClaimLog.read(self.path)

    def claim(self, *events: Event) -> Ledger:
        for event in events:
            self.log = self.log.claim(event, at=self.now, by="ada", opening=self.open)
            self.now += timedelta(days=1)
        return self.log.replay()
