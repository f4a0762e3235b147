"""Assignment in a request: a client that decides locally by a published ruleset.

What is imported here needs the standard library alone. Exposures into a table are written by
`steelyard.assign.table_writer`, and `steelyard.assign.openfeature` is the provider of OpenFeature.
"""

from steelyard.assign.client import AssignmentError, Client, State
from steelyard.assign.evaluation import Evaluator, Outcome, Why
from steelyard.assign.exposure import Exposure, Writer
from steelyard.assign.reading import read_ruleset
from steelyard.assign.resolution import Resolution
from steelyard.assign.ruleset import Ruleset
from steelyard.assign.writers import CallableWriter, JsonLinesWriter

__all__ = [
    "AssignmentError",
    "CallableWriter",
    "Client",
    "Evaluator",
    "Exposure",
    "JsonLinesWriter",
    "Outcome",
    "Resolution",
    "Ruleset",
    "State",
    "Why",
    "Writer",
    "read_ruleset",
]
