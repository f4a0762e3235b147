"""Whether a project can run where it points to."""

from collections.abc import Iterator

from steelyard.errors import EngineError
from steelyard.run.collect import checked_plan, last_exposure_day
from steelyard.run.conformance import require_conformance
from steelyard.run.project import Project
from steelyard.spec.profile import Profile
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.migrate import ensure_tables
from steelyard.warehouse.state import require_writable

Check = tuple[str, bool, str]
_PROBE = "steelyard_probe"


def debug_project(project: Project) -> Iterator[Check]:
    """Yield each check: its name, whether it is fine, and what was found."""
    try:
        profile = project.profile()
        yield "profile", True, f"{profile.name}, target {profile.target}"
        warehouse = project.connect()
    except EngineError as error:
        yield "connection", False, str(error)
        return
    with warehouse:
        yield "connection", True, f"{warehouse.dialect} answers {warehouse.query('select 1').values[0][0]}"
        yield _tables(warehouse, profile.target_schema)
        yield _temporaries(warehouse)
        yield _state(warehouse, profile)
        yield _exposures(project, warehouse)
        yield _metrics(project, warehouse)
        yield _hashing(warehouse)


def _tables(warehouse: Warehouse, schema: str) -> Check:
    try:
        ensure_tables(warehouse, schema)
    except EngineError as error:
        return "privileges", False, str(error)
    return "privileges", True, f"the engine's tables are in {schema}"


def _temporaries(warehouse: Warehouse) -> Check:
    """Make a table as a run makes its own, read it, and drop it."""
    try:
        warehouse.create_temporary(_PROBE, "select 1 as n")
        ((found,),) = warehouse.query(f"select n from {_PROBE}").values
        warehouse.drop_temporaries()
    except EngineError as error:
        return "temporary tables", False, str(error)
    return "temporary tables", True, f"one of {found} row was made, read and dropped"


def _state(warehouse: Warehouse, profile: Profile) -> Check:
    if not profile.output.incremental:
        return "state", True, "the output has incremental: false, so that every run is a full one"
    if not warehouse.keeps_state:
        return "state", True, f"none is kept on {warehouse.dialect}, so that every run is a full one"
    try:
        require_writable(warehouse, profile.target_schema)
    except EngineError as error:
        return "state", False, f"every run will be a full one: {error}"
    return "state", True, f"incremental runs can keep theirs in {profile.target_schema}"


def _exposures(project: Project, warehouse: Warehouse) -> Check:
    try:
        return "exposures", True, f"the last are of {last_exposure_day(project.files, warehouse)}"
    except EngineError as error:
        return "exposures", False, str(error)


def _metrics(project: Project, warehouse: Warehouse) -> Check:
    """Ask the warehouse about each metric that an experiment names: whether its tables may be read."""
    names = [name for name, spec in project.files.experiments.items() if spec.status != "draft"]
    read: set[str] = set()
    try:
        for plan in project.plans(select=names, dialect=warehouse.dialect) if names else ():
            checked_plan(plan.group, project.files, warehouse)
            read |= {str(measure.key) for measure in plan.group.measures.values()}
    except EngineError as error:
        return "metrics", False, str(error)
    return "metrics", True, f"the tables of {len(read)} metrics of {len(names)} experiments can be read"


def _hashing(warehouse: Warehouse) -> Check:
    """Run the golden units through the warehouse: a bucket must be the same number there and here."""
    try:
        compared = require_conformance(warehouse)
    except EngineError as error:
        return "hashing", False, str(error)
    return "hashing", True, f"{compared} golden units have the same bucket in the warehouse as in Python"
