"""What a run took from state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """What a run took from state for one experiment.

    Attributes:
        mode: ``incremental``, ``rebuilt`` where state was made anew, or ``full`` where none was used.
        reason: Why state was made anew, or not used; '' for incremental.
        closed_through: Last closed day; None without state.
        read_from: First day that was read of the facts, but for the time before the exposure of units that entered;
            None where all days were.
        in_full: Why each metric that was computed in full beside the state was.
    """

    mode: str
    reason: str = ""
    closed_through: date | None = None
    read_from: date | None = None
    in_full: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        words = self.mode + (f" ({self.reason})" if self.reason else "")
        if self.read_from is not None:
            words += f": facts read from {self.read_from} on"
        if self.closed_through is not None:
            words += f"; closed through {self.closed_through}"
        if self.in_full and self.mode != "full":
            words += "; in full: " + ", ".join(f"{name} ({why})" for name, why in self.in_full.items())
        return words

    def to_json(self) -> dict[str, Any]:
        """Return it for ``run_results.json``."""
        return {
            "mode": self.mode,
            "reason": self.reason or None,
            "closed_through": None if self.closed_through is None else self.closed_through.isoformat(),
            "read_from": None if self.read_from is None else self.read_from.isoformat(),
            "computed_in_full": dict(self.in_full),
        }
