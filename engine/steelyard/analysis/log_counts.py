"""What a log of exposures holds beside the units that are analysed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from steelyard.analysis.shared_units import SharedUnits
from steelyard.compile.shared_units import Sharing


@dataclass(slots=True, kw_only=True)
class LogCounts:
    """What the log of exposures holds beside the analysed units, of one experiment.

    Attributes:
        multiple: Units seen in several variants, by the variant they were first seen in.
        without_unit: Rows whose unit is NULL or ''.
        before_start: Rows before the experiment's start.
        after_end: Rows after its end, up to the run's last day.
        last_moment: Moment of the latest row that lies after the run's last day; None without one.
        shared: Units shared with another experiment, by its name.
        not_shared: Units of all experiments together that were too many for those that they share to be looked at.
        unknown: Rows by a variant that the experiment does not declare.
        assigned: Units seen in one variant alone, by variant, whether they met the trigger or not; empty without one.
        not_finite: Rows of facts with a value that is NaN or infinite and was left out.
        late: Rows that came after their day was closed, in words by relation, and how many.
    """

    multiple: dict[int, int] = field(default_factory=dict)
    without_unit: int = 0
    before_start: int = 0
    after_end: int = 0
    last_moment: datetime | None = None
    shared: dict[str, SharedUnits] = field(default_factory=dict)
    not_shared: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    assigned: dict[int, int] = field(default_factory=dict)
    not_finite: int = 0
    late: dict[str, int] = field(default_factory=dict)


def tell_left_out(counts: Mapping[str, LogCounts], sharing: Sharing) -> None:
    """Say of each experiment with a pair that the units it shares were too many to be looked at, if they were."""
    for name in sharing.others:
        if name in counts:
            counts[name].not_shared = sharing.left_out
