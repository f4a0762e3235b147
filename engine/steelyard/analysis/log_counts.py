"""What a log of exposures holds beside the units that are analysed."""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class LogCounts:
    """What the log of exposures holds beside the analysed units, of one experiment.

    Attributes:
        multiple: Units seen in several variants, by the variant they were first seen in.
        without_unit: Rows whose unit is NULL or ''.
        unknown: Rows by a variant that the experiment does not declare.
        assigned: Units seen in one variant alone, by variant, whether they met the trigger or not; empty without one.
        not_finite: Rows of facts with a value that is NaN or infinite and was left out.
    """

    multiple: dict[int, int] = field(default_factory=dict)
    without_unit: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    assigned: dict[int, int] = field(default_factory=dict)
    not_finite: int = 0
