"""The hash and the project's experiments as functions of the warehouse, for people who write SQL."""

from collections.abc import Iterator, Sequence

from steelyard.assign.allocation.claims import Claims, ruleset_claims
from steelyard.assign.allocation.ledger import Ledger
from steelyard.assign.allocation.programmes import claimed_buckets, load_programmes
from steelyard.hashing import DEFAULT, Assignment, BucketSet, cuts_of, scheme_named
from steelyard.hashing.sql import VARIANT, drop_ddl, udf_ddl, variant_ddl
from steelyard.run.conformance import require_conformance
from steelyard.run.metrics import select_experiments
from steelyard.run.project import Project
from steelyard.spec.experiment import Experiment
from steelyard.spec.loader import ProjectFiles
from steelyard.warehouse.migrate import ensure_tables

BUCKET = "steelyard_bucket"


def function_statements(
    project: Project,
    *,
    dialect: str,
    schema: str,
    scheme: str = DEFAULT.name,
    select: Sequence[str] = (),
) -> list[str]:
    """Return the statements that create ``steelyard_bucket`` and ``steelyard_variant``.

    Args:
        project: The project.
        dialect: The warehouse's.
        schema: Where the functions go.
        scheme: Hash scheme of ``steelyard_bucket``.
        select: Experiments that ``steelyard_variant`` knows; empty for all that are no drafts.

    Raises:
        CompileError: The warehouse cannot say a scheme.
        SpecError: There is no such scheme or experiment, or claims and files disagree.
        AllocationError: A salt machine's buckets are of several hashes, which a function does not follow.
    """
    names = select_experiments(project.files, select)
    claims = ruleset_claims(project.files, load_programmes(project.files))
    known = [assignment_of(project.files, project.files.experiments[name], claims) for name in names]
    statements = [udf_ddl(scheme_named(scheme), dialect, schema=schema, name=BUCKET)]
    return [*statements, variant_ddl(known, dialect, schema=schema)] if known else statements


def install_functions(
    project: Project, *, scheme: str = DEFAULT.name, select: Sequence[str] = ()
) -> Iterator[str]:
    """Create the functions in the target, and yield their names.

    Raises:
        EngineError: As `function_statements` raises; or the warehouse hashes otherwise than it should.
    """
    schema = project.profile().target_schema
    with project.writer() as warehouse:
        require_conformance(warehouse)
        statements = function_statements(
            project, dialect=warehouse.dialect, schema=schema, scheme=scheme, select=select
        )
        ensure_tables(warehouse, schema)
        for name, statement in zip((BUCKET, VARIANT), statements, strict=False):
            warehouse.execute(statement)
            yield name


def drop_functions(project: Project) -> Iterator[str]:
    """Remove the functions from the target, and yield their names."""
    schema = project.profile().target_schema
    with project.writer() as warehouse:
        for name in (BUCKET, VARIANT):
            warehouse.execute(drop_ddl(warehouse.dialect, schema=schema, name=name))
            yield name


def assignment_of(files: ProjectFiles, spec: Experiment, claims: Claims) -> Assignment:
    """Return how an experiment assigns units, targeting aside.

    Raises:
        AllocationError: Its programme is a salt machine.
    """
    unit = files.project.exposures[spec.exposures].unit
    covering = claims.covering(spec.domain or "", unit)
    held = [_bucket_set(ledger, owner.name) for ledger, owner in claims.holdbacks() if owner.name in covering]
    ledger = claims.ledgers.get(spec.programme or "")
    return Assignment(
        experiment=spec.name,
        scheme=spec.hash_scheme,
        salt=spec.assignment_salt,
        variants=tuple(variant.name for variant in spec.variants),
        cuts=cuts_of([variant.allocation for variant in spec.variants], spec.hash_scheme.buckets),
        inside=() if ledger is None else (_bucket_set(ledger, spec.name),),
        outside=tuple(held),
    )


def _bucket_set(ledger: Ledger, owner: str) -> BucketSet:
    programme = ledger.programme
    return BucketSet(
        scheme=scheme_named(programme.scheme),
        salt=programme.salt,
        buckets=programme.buckets,
        members=sorted(claimed_buckets(ledger, owner)),
    )
