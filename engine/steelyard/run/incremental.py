"""Incremental runs: which experiments continue from which state, and what is computed in full beside it."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from steelyard.analysis.collect import Collected, unused_name
from steelyard.analysis.moments import ExperimentMoments
from steelyard.analysis.segments import fill_segments
from steelyard.compile.group import Group, PlannedExperiment, fuse_group, plan_groups
from steelyard.compile.incremental import cap_names, some_measures, why_not_incremental
from steelyard.compile.measure import Measure, MetricKey
from steelyard.compile.metric_query import MetricQuery
from steelyard.compile.shared_units import CODES, Sharing
from steelyard.errors import EngineError, StatisticsError
from steelyard.run.collect import collect_group
from steelyard.run.fingerprints import changes
from steelyard.run.reuse import Reuse
from steelyard.run.sharing import add_shared, code_units
from steelyard.run.state_block import Block, BlockResult
from steelyard.spec.loader import ProjectFiles
from steelyard.warehouse.base import Warehouse
from steelyard.warehouse.read import read_rows
from steelyard.warehouse.state import State, missing_tables, read_states


@dataclass(slots=True, kw_only=True)
class _Part:
    """Experiments that advance together in this run."""

    experiments: list[PlannedExperiment]
    block: Block | None = None
    state: State | None = None
    gone: list[State] = field(default_factory=list)
    reason: str = ""


class Incremental:
    """Collects groups of experiments, from state where that is possible.

    Args:
        files: The project.
        queries: All metrics.
        warehouse: Where.
        schema: Schema of the engine's tables.
        as_of: Last day.
        full_refresh: Whether state is made anew.
        run_id: The run.
    """

    def __init__(
        self,
        files: ProjectFiles,
        queries: Mapping[MetricKey, MetricQuery],
        warehouse: Warehouse,
        *,
        schema: str,
        as_of: date,
        full_refresh: bool,
        run_id: str,
    ) -> None:
        self.files, self.queries, self.warehouse = files, queries, warehouse
        self.schema, self.as_of, self.full_refresh, self.run_id = schema, as_of, full_refresh, run_id
        self.label = ""
        self.reused: dict[str, Reuse] = {}

    def collect(self, group: Group, *, frozen_caps: Mapping[str, float | None], label: str) -> Collected:
        """Return the moments of a group, and keep what its experiments' next run needs."""
        self.label = label
        caps = self._caps([one.numbered.spec.name for one in group.experiments])
        wanted, why = self._wanted(group, caps)
        results: dict[str, BlockResult] = {}
        sharing: Sharing | None = None
        for number, part in enumerate(self._parts(group.exposures, wanted, caps, why)):
            try:
                if number == 0:
                    sharing = code_units(group, self.files, self.warehouse, label=self.label)
                result, reuse = self._run(group.exposures, part, caps, sharing)
            except EngineError as error:
                self._say(part, why, f"state was of no use: {error.args[0]}")
                continue
            for one in part.experiments:
                name = one.numbered.spec.name
                results[name] = result
                self.reused[name] = replace(reuse, in_full=why.get(name, {}))
        for one in group.experiments:
            name = one.numbered.spec.name
            if name not in results and name not in self.reused:
                self.reused[name] = Reuse(mode="full", reason="no metric can be continued", in_full=why[name])
        try:
            return self._merge(group, results, frozen_caps=frozen_caps, sharing=sharing)
        finally:
            self.warehouse.drop_temporaries()

    def _caps(self, names: Sequence[str]) -> dict[str, dict[str, float | None]]:
        """Return the percentile caps on record, by experiment."""
        found: dict[str, dict[str, float | None]] = {}
        if not self.full_refresh:
            for row in read_rows(self.warehouse, self.schema, "caps", {"experiment_id": list(names)}):
                found.setdefault(row["experiment_id"], {})[row["name"]] = row["value"]
        return found

    def _wanted(
        self, group: Group, caps: Mapping[str, Mapping[str, float | None]]
    ) -> tuple[list[PlannedExperiment], dict[str, dict[str, str]]]:
        """Return the experiments with the metrics that state can hold, and why the other metrics are not among them."""
        wanted, why = [], {}
        closed = self._closes(group.exposures)
        kept = {
            name
            for state in read_states(self.warehouse, self.schema, group.exposures)
            for name in state.experiments
        }
        for one in group.experiments:
            spec = one.numbered.spec
            reasons = {
                measure.name: _why_not(one, measure, caps.get(spec.name, {})) for _, measure in one.measures
            }
            why[spec.name] = {name: reason for name, reason in reasons.items() if reason}
            held = [name for name, reason in reasons.items() if not reason]
            if not held:
                continue
            if one.numbered.first_day > closed:
                self.reused[spec.name] = Reuse(
                    mode="full", reason=f"no day since {spec.start} is late enough to be closed"
                )
                continue
            if spec.status in ("stopped", "decided") and spec.name not in kept:
                # Making state costs more than it can save where no day follows.
                self.reused[spec.name] = Reuse(mode="full", reason="it has ended, so no state is begun")
                continue
            wanted.append(some_measures(one, held))
        return wanted, why

    def _closes(self, exposures: str) -> date:
        """Return the last day that no later run reads again: what is to come of today and later is not late."""
        project = self.files.project
        yesterday = datetime.now(ZoneInfo(project.timezone)).date() - timedelta(days=1)
        return min(self.as_of, yesterday) - project.exposures[exposures].lateness

    def _parts(
        self,
        exposures: str,
        wanted: Sequence[PlannedExperiment],
        caps: dict[str, dict[str, float | None]],
        why: dict[str, dict[str, str]],
    ) -> Iterator[_Part]:
        """Yield the experiments by the state that they continue from; those that have none make one together."""
        left = {one.numbered.spec.name: one for one in wanted}
        new = _Part(experiments=[], reason="there was no state")
        for state in read_states(self.warehouse, self.schema, exposures):
            ours = [left[name] for name in state.experiments if name in left]
            if not ours:
                continue
            members = self._members(state, left, caps, why)
            if not self.full_refresh and state.closed_through > self.as_of:
                reason = f"{self.as_of} is before {state.closed_through}, the last closed day"
                for one in ours:
                    name = one.numbered.spec.name
                    self.reused[name] = Reuse(mode="full", reason=reason, in_full=why[name])
                    del left[name]
                continue
            changed, block = self._changed(exposures, state, members, caps)
            for one in ours:
                del left[one.numbered.spec.name]
            if changed:
                new.experiments += ours
                new.gone.append(state)
                new.reason = changed
            else:
                assert members is not None
                yield _Part(experiments=members, block=block, state=state)
        new.experiments += left.values()
        if new.experiments:
            yield new

    def _members(
        self,
        state: State,
        ours: Mapping[str, PlannedExperiment],
        caps: dict[str, dict[str, float | None]],
        why: dict[str, dict[str, str]],
    ) -> list[PlannedExperiment] | None:
        """Return all experiments of a state, whether they were selected or not; None where one is no more."""
        others = [name for name in state.experiments if name not in ours]
        if any(name not in self.files.experiments for name in others):
            return None
        found = dict(ours)
        if others:
            try:
                groups = plan_groups(
                    self.files, self.queries, as_of=self.as_of, selected=others, is_series=True
                )
            except EngineError:
                return None
            caps.update(self._caps(others))
            for group in groups:
                more, _ = self._wanted(group, caps)
                found |= {one.numbered.spec.name: one for one in more}
        return [found[name] for name in state.experiments] if found.keys() >= set(state.experiments) else None

    def _changed(
        self,
        exposures: str,
        state: State,
        members: Sequence[PlannedExperiment] | None,
        caps: Mapping[str, Mapping[str, float | None]],
    ) -> tuple[str, Block | None]:
        """Return why a state cannot be continued, '' where it can, and the block that continues it."""
        if self.full_refresh:
            return "a full refresh was asked for", None
        if members is None:
            return "one of the experiments that it was for is not there any more", None
        missing = list(missing_tables(self.warehouse, self.schema, state))
        if missing:
            return f"the table {missing[0]} is missing", None
        block = self._block(exposures, members, caps)
        return changes(state.parts, block.parts), block

    def _block(
        self,
        exposures: str,
        members: Sequence[PlannedExperiment],
        caps: Mapping[str, Mapping[str, float | None]],
    ) -> Block:
        return Block(
            exposures,
            members,
            files=self.files,
            warehouse=self.warehouse,
            schema=self.schema,
            caps=caps,
            label=self.label,
            run_id=self.run_id,
        )

    def _run(
        self,
        exposures: str,
        part: _Part,
        caps: Mapping[str, Mapping[str, float | None]],
        sharing: Sharing | None,
    ) -> tuple[BlockResult, Reuse]:
        block = part.block or self._block(exposures, part.experiments, caps)
        until, reason, state, gone = self._closes(exposures), part.reason, part.state, part.gone
        dates: dict[str, Any] = {"until": until, "as_of": self.as_of, "sharing": sharing}
        try:
            try:
                result = block.run(state, _name(part, gone), gone=gone, **dates)
            except StatisticsError as error:
                if state is None:
                    raise
                reason, gone, state = error.args[0], [state], None
                result = block.run(None, _name(part, gone), gone=gone, **dates)
        finally:
            self.warehouse.drop_temporaries(keep=(CODES,))
        return result, Reuse(
            mode="incremental" if state is not None else "rebuilt",
            reason=reason if state is None else "",
            closed_through=result.closed_through,
            read_from=result.read_from,
        )

    def _say(self, part: _Part, why: Mapping[str, Mapping[str, str]], reason: str) -> None:
        for one in part.experiments:
            name = one.numbered.spec.name
            self.reused[name] = Reuse(mode="full", reason=reason, in_full=why.get(name, {}))

    def _merge(
        self,
        group: Group,
        results: Mapping[str, BlockResult],
        *,
        frozen_caps: Mapping[str, float | None],
        sharing: Sharing | None,
    ) -> Collected:
        """Return what states gave and what is computed in full, as one."""
        left = []
        for one in group.experiments:
            name = one.numbered.spec.name
            done = results[name].experiments[name].metrics if name in results else {}
            left.append(some_measures(one, {measure.name for _, measure in one.measures} - done.keys()))
        # The levels of a dimension are ranked over the units of all experiments of the run.
        has_levels = any(
            covariate.dimension
            for one in left
            for _, measure in one.measures
            for covariate in measure.covariates
        )
        rest = [one for one in left if one.measures or has_levels]
        collected = Collected(experiments={}, caps=dict(frozen_caps))
        if rest:
            is_all = [len(one.measures) for one in rest] == [len(one.measures) for one in group.experiments]
            others = group if is_all else fuse_group(group.exposures, rest, self.files, is_series=True)
            collected = collect_group(
                others,
                self.files,
                self.warehouse,
                frozen_caps=frozen_caps,
                label=self.label,
                counted=self._counted(group, results),
                sharing=sharing,
            )
        for one in group.experiments:
            name = one.numbered.spec.name
            if name in results:
                self._add(collected, one, results[name])
        for result in {id(result): result for result in results.values()}.values():
            for name, text in result.statements.items():
                collected.statements[unused_name(name, collected.statements)] = text
            collected.seconds.update(result.seconds)
        return collected

    def _counted(self, group: Group, results: Mapping[str, BlockResult]) -> frozenset[str]:
        """Return the values whose rows that are not finite need no count beside the states."""
        if any(one.numbered.spec.name not in results for one in group.experiments):
            return frozenset()
        return frozenset[str].intersection(*(result.counted for result in results.values()))

    def _add(self, collected: Collected, planned: PlannedExperiment, result: BlockResult) -> None:
        name = planned.numbered.spec.name
        ours, other = result.experiments[name], collected.experiments.get(name)
        metrics = ours.metrics | (other.metrics if other is not None else {})
        collected.experiments[name] = ExperimentMoments(
            planned=planned,
            days=ours.days,
            metrics={
                measure.name: metrics[measure.name]
                for _, measure in planned.measures
                if measure.name in metrics
            },
            other_caps=ours.other_caps | ({} if other is None else other.other_caps),
            halves=ours.halves | ({} if other is None else other.halves),
            others={} if other is None else other.others,
            quantiles={} if other is None else other.quantiles,
            exposed=ours.exposed,
            lags=ours.lags | ({} if other is None else other.lags),
        )
        fill_segments(collected.experiments[name])
        counts = result.counts[name]
        counts.not_finite += collected.counts[name].not_finite if other is not None else 0
        if other is not None:
            add_shared(counts, collected.counts[name])
        counts.late = {str(one): one.more + one.fewer for one in result.late}
        collected.counts[name] = counts


def _why_not(planned: PlannedExperiment, measure: Measure, caps: Mapping[str, float | None]) -> str:
    why = why_not_incremental(measure)
    if not why and measure.name in planned.diluted:
        return "units that never met the trigger are read with it"
    wanted = (measure, *planned.other_caps.get(measure.name, ()))
    if not why and any(caps.get(name) is None for one in wanted for name in cap_names(one)):
        why = "its percentile cap is not on record yet"
    return why


def _name(part: _Part, gone: Sequence[State]) -> str:
    """Return the name of a part's state: the one that it has, or one that none of those has that go."""
    if part.state is not None and not gone:
        return part.state.block
    names = [*(one.numbered.spec.name for one in part.experiments), *(state.block for state in gone)]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
