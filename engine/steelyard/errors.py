"""Everything Steelyard raises on purpose.

EngineError
├── SpecError        a project, profile, metric or experiment file is wrong
├── CompileError     a metric's SQL cannot become a plan, or a warehouse cannot say it
├── WarehouseError   the warehouse refused, is unreachable, or holds something unexpected
├── AllocationError  a claim on units cannot be granted, or the log of claims is not as it was written
└── StatisticsError  the aggregates do not allow the number that was asked for
"""


class EngineError(Exception):
    """One sentence on what is wrong, where, and what to do next."""

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.where}: " if self.where else ""
        tail = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{head}{self.args[0]}{tail}"


class SpecError(EngineError, ValueError):
    """A project, profile, metric or experiment file is wrong."""


class CompileError(EngineError, ValueError):
    """A metric's SQL cannot become a plan, or a warehouse cannot say it."""


class WarehouseError(EngineError, RuntimeError):
    """The warehouse refused, is unreachable, or holds something unexpected.

    Attributes:
        is_transient: Whether the same statement or transaction may succeed when it is run again.
    """

    def __init__(self, message: str, *, where: str = "", hint: str = "", is_transient: bool = False) -> None:
        super().__init__(message, where=where, hint=hint)
        self.is_transient = is_transient


class AllocationError(EngineError, ValueError):
    """A claim on units cannot be granted, or the log of claims is not as it was written."""


class StatisticsError(EngineError, ValueError):
    """The aggregates do not allow the number that was asked for."""
