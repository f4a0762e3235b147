"""What holds in every programme, whatever was claimed; and for each law that its check can fail."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.claims import opening
from tests.support.histories import Action, histories, holdings, play

from steelyard.assign.allocation import replay as replaying
from steelyard.assign.allocation import reuse
from steelyard.assign.allocation.events import Grow, Open
from steelyard.assign.allocation.ledger import Buckets, Ledger, Owner
from steelyard.assign.allocation.replay import replay

# Properties of drawn worlds, broad beside the examples of the unit tests.
pytestmark = pytest.mark.long

OPENINGS = {
    "all": opening(buckets=200),
    "tags": opening(buckets=200, exclusive="tags"),
    "machine": opening(buckets=200, strategy="salt_machine"),
}
UNITS = [f"user_{number}" for number in range(150)]
openings = pytest.mark.parametrize("programme", OPENINGS.values(), ids=OPENINGS)


def may_share(one: Owner, other: Owner, programme: Open) -> bool:
    """The rule, written a second time."""
    kinds = {one.kind, other.kind}
    if kinds == {"holdback"}:
        return False
    if "holdback" in kinds:
        held, experiment = (one, other) if one.kind == "holdback" else (other, one)
        return held.domain not in ("", experiment.domain)
    if programme.exclusive == "all":
        return False
    return not any(tag in other.exclusive_to for tag in one.tags) and not any(
        tag in one.exclusive_to for tag in other.tags
    )


def check_exclusivity(ledger: Ledger) -> None:
    """No unit is in two experiments, or in a holdback and an experiment, that may not share it."""
    for unit in UNITS:
        for one, other in combinations(ledger.owners_of(unit), 2):
            assert may_share(one, other, ledger.programme), (unit, one.name, other.name)


def check_stability(before: dict[str, dict[str, Buckets]], ledger: Ledger, owner: str) -> None:
    """An event moves nobody but its own units."""
    after = holdings(ledger)
    assert {name: held for name, held in before.items() if name != owner} == {
        name: held for name, held in after.items() if name != owner
    }


def check_ramp(before: dict[str, dict[str, Buckets]], ledger: Ledger, owner: str, salt: str) -> None:
    """Growing removes no unit and changes no unit's variant."""
    after = ledger.held(owner)
    assert all(buckets <= after[node] for node, buckets in before[owner].items())
    assert ledger.owners[owner].salt == salt


@openings
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_laws_hold_after_every_event(programme: Open, data: st.DataObject) -> None:
    actions = data.draw(histories(with_rest=programme.strategy == "bucket_reuse"))
    check_laws(programme, actions)


def check_laws(programme: Open, actions: Sequence[Action]) -> None:
    before: dict[str, dict[str, Buckets]] = {}
    salts: dict[str, str] = {}
    for step in play(programme, actions):
        name = step.event.owner
        check_exclusivity(step.ledger)
        check_stability(before, step.ledger, name)
        if isinstance(step.event, Grow):
            check_ramp(before, step.ledger, name, salts[name])
        before = holdings(step.ledger)
        salts = {name: owner.salt for name, owner in step.ledger.owners.items()}


@openings
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_replay_leads_to_the_same_state_at_any_moment(programme: Open, data: st.DataObject) -> None:
    actions = data.draw(histories(with_rest=programme.strategy == "bucket_reuse"))
    steps = [(step.at, step.lines, step.ledger) for step in play(programme, actions)]
    if not steps:
        return
    at_end, lines, whole = steps[-1]
    again = replay(lines)
    assert holdings(again) == holdings(whole)
    assert again.owners == whole.owners
    hours = data.draw(st.integers(0, int((at_end - lines[0].at).total_seconds() // 3600) + 1))
    at = lines[0].at + timedelta(hours=hours)
    then = replay(lines, until=at)
    assert {name: dict(whole.held(name, at)) for name in then.owners} == holdings(then)
    for unit in UNITS[:30]:
        assert [o.name for o in whole.owners_of(unit, at)] == [o.name for o in then.owners_of(unit)]


@settings(max_examples=60, deadline=None)
@given(actions=histories(with_rest=False), count=st.integers(1, 200))
def test_whatever_is_free_can_be_claimed(actions: list[Action], count: int) -> None:
    """Buckets do not fragment: a claim is refused only where fewer are free."""
    for step in play(OPENINGS["all"], actions):
        ledger = step.ledger
        taken = sum(len(tenure.buckets) for tenure in ledger.lasting)
        owner = Owner(name="new", kind="experiment", phase="running", since=step.at)
        if count <= 200 - taken:
            assert sum(map(len, reuse.draw(ledger, owner, count, step.at, 0).values())) == count


@settings(max_examples=60, deadline=None)
@given(actions=histories(with_rest=False))
def test_a_held_back_unit_is_in_no_experiment_of_the_domain_at_any_time(actions: list[Action]) -> None:
    steps = list(play(OPENINGS["tags"], actions))
    if steps:
        check_purity(steps[-1].ledger)


def check_purity(ledger: Ledger) -> None:
    """Compare spans of time: no experiment of the domain has a bucket while a holdback has it."""
    held = [one for one in ledger.tenures if one.kind == "holdback"]
    exposed = [one for one in ledger.tenures if one.kind == "experiment"]
    for keep in held:
        for use in exposed:
            domain = ledger.owners[keep.owner].domain
            if domain not in ("", ledger.owners[use.owner].domain) or not keep.buckets & use.buckets:
                continue
            ends = [end for end in (keep.valid_to, use.valid_to) if end is not None]
            begin, end = max(keep.valid_from, use.valid_from), min(ends, default=None)
            assert end is not None, (keep.owner, use.owner)
            assert begin >= end, (keep.owner, use.owner)


# Negative controls: each law's check fails on an allocator that breaks it.


def plan(*events: tuple[str, int, int]) -> list[Action]:
    return [Action(kind, owner, buckets, (), (), "", 0, 1) for kind, owner, buckets in events]


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Replace how buckets are drawn."""

    def replace(draw: object) -> None:
        monkeypatch.setattr(replaying, "STRATEGIES", {"bucket_reuse": draw})

    return replace


def test_the_check_of_exclusivity_sees_a_shared_bucket(careless: Callable[[object], None]) -> None:
    careless(lambda *_: {"": frozenset(range(100))})
    with pytest.raises(AssertionError):
        check_laws(OPENINGS["all"], plan(("start", 0, 100), ("start", 1, 100)))


def test_the_check_of_purity_sees_a_held_back_unit(careless: Callable[[object], None]) -> None:
    careless(lambda *_: {"": frozenset(range(100))})
    steps = list(play(OPENINGS["tags"], plan(("holdback", 0, 100), ("start", 1, 100))))
    with pytest.raises(AssertionError):
        check_purity(steps[-1].ledger)


def test_the_check_of_stability_sees_a_unit_that_was_taken(careless: Callable[[object], None]) -> None:
    def steal(ledger: Ledger, owner: Owner, *_: object) -> dict[str, Buckets]:
        ledger.end(ledger.lasting, ledger.at)
        return {"": frozenset(range(50))}

    careless(steal)
    with pytest.raises(AssertionError):
        check_laws(OPENINGS["all"], plan(("start", 0, 100), ("start", 1, 50)))


def test_the_check_of_the_ramp_sees_a_unit_that_was_dropped(careless: Callable[[object], None]) -> None:
    def move(ledger: Ledger, owner: Owner, count: int, *_: object) -> dict[str, Buckets]:
        ledger.end([one for one in ledger.lasting if one.owner == owner.name], ledger.at)
        return {"": frozenset(range(ledger.seq * 10, ledger.seq * 10 + count))}

    careless(move)
    with pytest.raises((AssertionError, KeyError)):
        check_laws(OPENINGS["all"], plan(("start", 0, 50), ("grow", 0, 50)))


def test_replay_sees_an_allocator_that_draws_differently(careless: Callable[[object], None]) -> None:
    steps = list(play(OPENINGS["all"], plan(("start", 0, 50))))
    careless(lambda *_: {"": frozenset(range(50))})
    with pytest.raises(ValueError, match="leads to other buckets"):
        replay(steps[-1].lines)
