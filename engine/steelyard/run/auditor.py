"""Recompute what was logged: which assignments are wrong, by client, and why."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

from steelyard.analysis.audit import (
    AssignmentAudit,
    Cause,
    Client,
    ClientAudit,
    add_lost_exposures,
    audit_row,
    read_clients,
)
from steelyard.analysis.audit_causes import (
    Tried,
    best_trial,
    read_bins,
    read_tried,
    read_versions,
    split_cause,
    stale_cause,
    stale_version,
)
from steelyard.assign.allocation.programmes import ProgrammeState, load_programmes
from steelyard.assign.ruleset import Ruleset
from steelyard.compile.audit_log import AUDITED, LABELS, AuditedLog, written_log
from steelyard.compile.audit_sql import (
    RECOMPUTED,
    WRONG,
    WRONG_VARIANT,
    Rule,
    counts_query,
    recomputed_query,
    versions_query,
)
from steelyard.compile.audit_trials import (
    PER_QUERY,
    Condition,
    Trial,
    bin_width,
    bins_query,
    explained_by,
    rest_query,
    sample_query,
    trial_query,
    trials,
)
from steelyard.compile.exposure_sql import NumberedExperiment
from steelyard.errors import EngineError, WarehouseError
from steelyard.hashing.variations import variations
from steelyard.run.audit_claims import audited_claims
from steelyard.run.collect import project_templates
from steelyard.run.conformance import require_conformance
from steelyard.spec.experiment import Experiment
from steelyard.spec.loader import ProjectFiles
from steelyard.targeting import attributes_of, parse_rule
from steelyard.warehouse.base import Warehouse

ROUNDS = 3
"""So many causes are looked for in one client's assignments."""


class Auditor:
    """Audits experiments on one connection.

    Args:
        files: The project.
        warehouse: Where its logs are.
        as_of: Last day.
        rulesets: Rulesets that were published, by version.
    """

    def __init__(
        self,
        files: ProjectFiles,
        warehouse: Warehouse,
        *,
        as_of: date,
        rulesets: Mapping[str, Ruleset] = MappingProxyType({}),
    ) -> None:
        self.files, self.warehouse, self.as_of, self.rulesets = files, warehouse, as_of, rulesets
        self._programmes: Mapping[str, ProgrammeState] = {}
        self._columns: frozenset[str] = frozenset()

    def audit(self, names: Sequence[str], *, sought: Sequence[str] = WRONG) -> Iterator[AssignmentAudit]:
        """Yield the audit of each experiment that has begun, log by log.

        Args:
            names: The experiments.
            sought: Verdicts whose causes are looked for.
        """
        self._programmes = load_programmes(self.files)
        specs = [self.files.experiments[name] for name in names]
        begun = [spec for spec in specs if spec.start is not None and spec.start <= self.as_of]
        for log in dict.fromkeys(spec.exposures for spec in begun):
            numbered = [
                NumberedExperiment(number=number, spec=spec, as_of=self.as_of)
                for number, spec in enumerate((one for one in begun if one.exposures == log), start=1)
            ]
            try:
                self._read_log(log, numbered)
                for one in numbered:
                    yield self._experiment(one, sought)
            finally:
                self.warehouse.drop_temporaries()

    def health_rows(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the row of the table ``health`` of each experiment; a warning where one cannot be audited.

        No causes are looked for where all that is wrong are second variants, which no analysis counts.
        """
        thresholds = self.files.project.health
        try:
            return {
                audit.experiment: audit_row(audit, thresholds)
                for audit in self.audit(names, sought=(WRONG_VARIANT,))
            }
        except EngineError as error:
            if len(names) > 1:
                alone = [self.health_rows([name]) for name in names]
                return {name: row for rows in alone for name, row in rows.items()}
            spec = self.files.experiments[names[0]]
            nothing = AssignmentAudit(experiment=names[0], rule=Rule.of(spec), clients=())
            detail = f"The assignments cannot be recomputed: {error.args[0]}."
            return {names[0]: {**audit_row(nothing, thresholds), "status": "warn", "detail": detail}}

    def _read_log(self, name: str, numbered: Sequence[NumberedExperiment]) -> None:
        dialect = self.warehouse.dialect
        require_conformance(self.warehouse)
        columns = self.warehouse.column_types(written_log(self.files, name, dialect))
        self._columns = frozenset(columns)
        log = AuditedLog(name=name, numbered=numbered, dialect=dialect, columns=columns)
        self._make(AUDITED, log.query(self.files, project_templates(self.files)))

    def _make(self, table: str, sql: str) -> None:
        self.warehouse.note(table, sql)
        self.warehouse.create_temporary(table, sql)

    def _ask(self, name: str, sql: str) -> list[dict[str, Any]]:
        self.warehouse.note(name, sql)
        return self.warehouse.query(sql).dicts()

    def _experiment(self, one: NumberedExperiment, sought: Sequence[str]) -> AssignmentAudit:
        rule, dialect = Rule.of(one.spec), self.warehouse.dialect
        unit = self.files.project.exposures[one.spec.exposures].unit
        claims, notes = audited_claims(self._programmes, one.spec, unit, dialect)
        query = recomputed_query(rule, one.number, dialect, claims, sorted(self.rulesets))
        self._make(RECOMPUTED, query)
        clients = read_clients(self._ask("audit_counts", counts_query(dialect)))
        if any(client.verdicts[verdict] for client in clients for verdict in sought):
            self._find_causes(one, rule, clients)
        add_lost_exposures(clients, rule, self.files.project.health)
        return AssignmentAudit(
            experiment=one.spec.name,
            rule=rule,
            clients=tuple(clients),
            notes=(*notes, *self._assumed(one.spec)),
        )

    def _find_causes(self, one: NumberedExperiment, rule: Rule, clients: Sequence[ClientAudit]) -> None:
        """Try every way on a sample; what the best explains is left out of the next round."""
        dialect = self.warehouse.dialect
        tried = trials(
            rule,
            variations(rule.scheme, rule.salt, self._other_salts(one.spec.name)),
            dialect,
            self._earlier(one.spec.name),
        )
        sample, rounds = sample_query(rule, dialect), 0
        by_labels = {client.labels: client for client in clients}
        for is_dear in (False, True):
            numbered = {number: trial for number, trial in enumerate(tried) if trial.is_dear is is_dear}
            for turn in range(ROUNDS):
                name = f"audit_sample_{rounds}"
                self._make(name, sample)
                numbered = numbered if turn else self._known(numbered, name)
                explained = self._round(numbered, name, by_labels)
                sample, rounds = rest_query(name, explained, dialect), rounds + 1
                if not explained:
                    break
        name = f"audit_sample_{rounds}"
        self._make(name, sample)
        left = read_bins(self._ask("audit_bins", bins_query(rule, name, dialect)))
        versions = read_versions(self._ask("audit_versions", versions_query(dialect)))
        for labels, bins in left.items():
            cause = split_cause(by_labels[labels], bins, rule, width=bin_width(rule))
            stale = stale_version(labels, versions)
            if stale is not None:
                cause = stale_cause(stale, cause)
            if cause is not None:
                by_labels[labels].add(cause)

    def _known(self, tried: Mapping[int, Trial], sample: str) -> dict[int, Trial]:
        """Return the trials whose functions the warehouse has: PostgreSQL has SHA-1 only as an extension."""

        def is_known(some: Mapping[int, Trial]) -> bool:
            try:
                self.warehouse.column_types(trial_query(list(some.items()), sample, self.warehouse.dialect))
            except WarehouseError:
                return False
            return True

        found: dict[int, Trial] = {}
        items = list(tried.items())
        for start in range(0, len(items), PER_QUERY):
            batch = dict(items[start : start + PER_QUERY])
            known = batch if is_known(batch) else {n: one for n, one in batch.items() if is_known({n: one})}
            found |= known
        return found

    def _round(
        self, tried: Mapping[int, Trial], sample: str, clients: Mapping[Client, ClientAudit]
    ) -> list[Condition]:
        """Add the best new cause of each client, and return the conditions of what they explain."""
        dialect, items = self.warehouse.dialect, list(tried.items())
        numbers: dict[Client, list[Tried]] = {}
        for start in range(0, len(items), PER_QUERY):
            batch = items[start : start + PER_QUERY]
            rows = self._ask("audit_trials", trial_query(batch, sample, dialect))
            for labels, counted in read_tried(rows, [number for number, _ in batch]).items():
                numbers.setdefault(labels, []).extend(counted)
        conditions = []
        for labels, counted in numbers.items():
            best = best_trial(counted, comparisons=len(tried) * len(numbers))
            if best is None:
                continue
            trial = tried[best.number]
            share = best.explained / best.wrong
            clients[labels].add(Cause(kind=trial.kind, text=trial.text, explained=share))
            named = dict(zip(LABELS, labels, strict=True))
            conditions.append(explained_by(trial, named, is_all=best.explained == best.wrong))
        return conditions

    def _assumed(self, spec: Experiment) -> Iterator[str]:
        if not spec.is_assignment_declared:
            yield f"Its file says neither salt nor scheme: {spec.scheme} with its name as salt is assumed."
        missing = attributes_of(None if spec.eligible is None else parse_rule(spec.eligible)) - self._columns
        if missing:
            yield f"The log lacks {', '.join(sorted(missing))}, so who is eligible is not checked."

    def _earlier(self, name: str) -> dict[str, Rule]:
        """Return how published rulesets assigned an experiment's units, by version."""
        return {
            version: Rule(
                scheme=known.scheme,
                salt=known.salt,
                variants=tuple(variant.name for variant in known.variants),
                shares=tuple(variant.share for variant in known.variants),
            )
            for version, ruleset in self.rulesets.items()
            if (known := ruleset.experiments.get(name)) is not None
        }

    def _other_salts(self, name: str) -> dict[str, str]:
        """Return salts that a client may have mixed up, by what they are."""
        experiments: Mapping[str, str] = {
            f"the experiment {other.name}": other.assignment_salt
            for other in self.files.experiments.values()
            if other.name != name
        }
        programmes = {
            f"the programme {known}": programme.salt or known
            for known, programme in self.files.project.programmes.items()
        }
        return {"the experiment's name": name, **experiments, **programmes}
