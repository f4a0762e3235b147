"""The one place that strings the stages together: load, compile, push down, analyse, publish."""

from steelyard.run.auditing import audit_project
from steelyard.run.auditor import Auditor
from steelyard.run.checking import check_project
from steelyard.run.collect import collect_group, compute_moments
from steelyard.run.compiling import Compiled, compile_project, dry_run
from steelyard.run.debugging import debug_project
from steelyard.run.functions import drop_functions, function_statements, install_functions
from steelyard.run.pipeline import RunOptions, RunResult
from steelyard.run.project import Project
from steelyard.run.reading import project_reports, seed_project
from steelyard.run.scaffold import write_project

__all__ = [
    "Auditor",
    "Compiled",
    "Project",
    "RunOptions",
    "RunResult",
    "audit_project",
    "check_project",
    "collect_group",
    "compile_project",
    "compute_moments",
    "debug_project",
    "drop_functions",
    "dry_run",
    "function_statements",
    "install_functions",
    "project_reports",
    "seed_project",
    "write_project",
]
