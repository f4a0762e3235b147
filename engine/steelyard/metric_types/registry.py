"""All metric types by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from steelyard.metric_types.base import MetricType
from steelyard.metric_types.mean import Mean
from steelyard.metric_types.proportion import Proportion
from steelyard.metric_types.quantile import Quantile
from steelyard.metric_types.ratio import Ratio

METRIC_TYPES: Final[Mapping[str, MetricType]] = MappingProxyType(
    {kind.name: kind for kind in (Mean(), Proportion(), Ratio(), Quantile())}
)
