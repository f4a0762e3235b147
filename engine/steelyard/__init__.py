"""Warehouse-native experimentation: metric SQL in, decisions out."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steelyard.run import Project, RunOptions, RunResult

__version__ = "0.1.0"
__all__ = ["Project", "RunOptions", "RunResult", "__version__"]


def __getattr__(name: str) -> Any:
    """Load the engine when it is first asked for: the assignment client must start in milliseconds."""
    if name not in __all__:
        raise AttributeError(f"module 'steelyard' has no attribute {name!r}")
    import steelyard.run as engine  # noqa: PLC0415

    return getattr(engine, name)
