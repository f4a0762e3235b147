"""What claims lead to under bucket reuse: starts, growth, holdbacks, rest, and what is refused."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.support.claims import HALVES, MORNING, World, holdback, opening, start

from steelyard.assign.allocation.events import Close, Event, Grow, Release, Reweigh, Share, Shrink, Stop
from steelyard.assign.allocation.programmes import claimed_buckets
from steelyard.assign.allocation.replay import digest_of, follow
from steelyard.errors import AllocationError

Begin = Callable[..., World]
DAY = 86_400


def test_exclusive_experiments_have_no_bucket_in_common(world: Begin) -> None:
    ledger = world().claim(start("a", 400), start("b", 600))
    a, b = claimed_buckets(ledger, "a"), claimed_buckets(ledger, "b")
    assert (len(a), len(b), a & b) == (400, 600, frozenset())


def test_every_bucket_can_be_claimed_however_often_others_came_and_went(world: Begin) -> None:
    one = world()
    for number in range(5):
        one.claim(start(f"e{number}", 333), start(f"f{number}", 333), Stop(owner=f"e{number}"))
        ledger = one.claim(start(f"g{number}", 667), Stop(owner=f"g{number}"), Stop(owner=f"f{number}"))
    assert not ledger.lasting


def test_a_draw_depends_on_the_experiment_s_name_and_the_programme_s_salt_alone(world: Begin) -> None:
    first = claimed_buckets(world().claim(start("a")), "a")
    path = world().path
    path.unlink()
    later = world()
    again = later.claim(start("z"), Stop(owner="z"), start("a"))
    assert claimed_buckets(again, "a") == first
    path.unlink()
    assert claimed_buckets(world(salt="other").claim(start("a")), "a") != first


def test_the_draw_is_the_same_for_ever(world: Begin) -> None:
    """The five smallest of ``sha256("main/a:" + bucket)``: a log leads to the same buckets in every version."""
    ledger = world(buckets=100).claim(start("a", 5), start("b", 5))
    assert sorted(claimed_buckets(ledger, "a")) == [8, 32, 56, 58, 68]
    assert sorted(claimed_buckets(ledger, "b")) == [5, 19, 30, 37, 77]


def test_growing_adds_and_keeps(world: Begin) -> None:
    one = world()
    before = claimed_buckets(one.claim(start("a"), start("b", 300)), "a")
    ledger = one.claim(Grow(owner="a", buckets=200))
    after = claimed_buckets(ledger, "a")
    assert before < after
    assert len(after) == 300
    assert not after & claimed_buckets(ledger, "b")


def test_shrinking_gives_up_what_came_last(world: Begin) -> None:
    one = world()
    first = claimed_buckets(one.claim(start("a")), "a")
    one.claim(Grow(owner="a", buckets=100), Grow(owner="a", buckets=100))
    ledger = one.claim(Shrink(owner="a", buckets=150))
    left = claimed_buckets(ledger, "a")
    assert first < left
    assert len(left) == 150
    assert claimed_buckets(one.claim(Shrink(owner="a", buckets=70)), "a") < first


def test_the_state_at_any_moment_is_that_of_the_log_up_to_it(world: Begin) -> None:
    one = world()
    one.claim(start("a"), Grow(owner="a", buckets=100), start("b"), Stop(owner="a"), start("c", 700))
    whole = one.log.replay()
    for hours in range(-1, 24 * 6, 12):
        at = MORNING + timedelta(hours=hours)
        if at < MORNING:
            assert all(not whole.held(name, at) for name in whole.owners)
            continue
        then = one.log.replay(until=at)
        for name in whole.owners:
            assert whole.held(name, at) == then.held(name)


def test_a_stopped_experiment_does_not_come_back(world: Begin) -> None:
    one = world()
    one.claim(start("a"), Stop(owner="a"))
    with pytest.raises(AllocationError, match="is stopped already\n  hint: give it another name"):
        one.claim(start("a"))
    with pytest.raises(AllocationError, match="is stopped since 2026-04-02T00:00"):
        one.claim(Grow(owner="a", buckets=1))


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (start("a"), "the experiment 'a' is running already"),
        (Stop(owner="b"), "no experiment 'b' has claimed any bucket"),
        (Stop(owner="quarter"), "no experiment 'quarter'"),
        (Release(owner="a"), "no holdback 'a'"),
        (Shrink(owner="a", buckets=100), "has 100 buckets and cannot give up 100"),
        (Reweigh(owner="a", salt="a", shares=HALVES), "has the salt 'a' already"),
        (Reweigh(owner="a", salt="a.2", shares=HALVES), "has these shares already"),
        (Reweigh(owner="a", salt="a.2", shares=HALVES[:1]), "do not add up to 10,000"),
        (opening(), "a log begins with its programme, and only with it"),
    ],
    ids=["again", "unknown", "kind", "kind-too", "all", "salt", "shares", "sum", "open"],
)
def test_an_event_that_does_not_fit_is_refused(world: Begin, event: Event, message: str) -> None:
    one = world()
    one.claim(start("a"), holdback("quarter"))
    with pytest.raises(AllocationError) as caught:
        one.claim(event)
    assert message in str(caught.value)


def test_a_log_begins_with_its_programme() -> None:
    with pytest.raises(AllocationError, match="a log begins with its programme"):
        follow(None, start("a"), MORNING)


def test_time_does_not_run_backwards(world: Begin) -> None:
    one = world()
    one.claim(start("a"))
    one.now = MORNING - timedelta(hours=1)
    with pytest.raises(AllocationError, match="is before the log's last line, 2026-04-01T00:00"):
        one.claim(start("b"))


def test_other_shares_come_with_another_salt_and_version(world: Begin) -> None:
    one = world()
    one.claim(start("a"))
    shares = (Share(name="control", share=9000), Share(name="treatment", share=1000))
    owner = one.claim(Reweigh(owner="a", salt="a.2", shares=shares)).owners["a"]
    assert (owner.salt, owner.version) == ("a.2", 2)
    assert owner.shares == (("control", 9000), ("treatment", 1000))


def test_tags_decide_where_the_programme_leaves_it_to_them(world: Begin) -> None:
    one = world(exclusive="tags")
    ledger = one.claim(start("a", 700, tags=("pay",)), start("b", 700, exclusive_to=("search",)))
    assert claimed_buckets(ledger, "a") & claimed_buckets(ledger, "b")
    with pytest.raises(AllocationError, match="300 of 1,000 are free"):
        one.claim(start("c", 700, exclusive_to=("pay",)))
    ledger = one.claim(start("d", 300, tags=("search",)))
    assert not claimed_buckets(ledger, "d") & claimed_buckets(ledger, "b")


def test_exclusivity_holds_whichever_side_names_the_tag(world: Begin) -> None:
    ledger = world(exclusive="tags").claim(
        start("a", 400, exclusive_to=("pay",)), start("b", 600, tags=("pay", "web"))
    )
    assert not claimed_buckets(ledger, "a") & claimed_buckets(ledger, "b")


def test_a_bucket_rests_after_its_owner(world: Begin) -> None:
    one = world()
    ledger = one.claim(start("a", 600), Stop(owner="a"))
    rested = claimed_buckets(ledger, "a", MORNING)
    with pytest.raises(AllocationError, match="400 of 1,000 are free, and 600 more rest after their last"):
        one.claim(start("b", 500, cool_off=7 * DAY))
    ledger = one.claim(start("c", 400, cool_off=7 * DAY))
    assert not claimed_buckets(ledger, "c") & rested
    # 'a' stopped on the 2nd.
    one.now = MORNING + timedelta(days=8) - timedelta(microseconds=1)
    with pytest.raises(AllocationError, match="0 of 1,000 are free"):
        one.claim(start("b", 500, cool_off=7 * DAY))
    one.now = MORNING + timedelta(days=8)
    assert claimed_buckets(one.claim(start("b", 500, cool_off=7 * DAY)), "b") < rested


def test_a_holdback_is_exempt_from_its_domain_alone(world: Begin) -> None:
    one = world(exclusive="tags")
    ledger = one.claim(
        holdback("quarter", 200, domain="checkout"),
        start("in", 800, domain="checkout"),
        start("out", 1000, domain="search"),
    )
    held = claimed_buckets(ledger, "quarter")
    assert not held & claimed_buckets(ledger, "in")
    assert held < claimed_buckets(ledger, "out")
    with pytest.raises(AllocationError, match="0 of 1,000 are free"):
        one.claim(holdback("everything", 1))


def test_a_holdback_ends_with_one_test_and_then_its_units_are_free(world: Begin) -> None:
    one = world()
    one.claim(holdback("quarter", 300))
    closing = one.claim(Close(owner="quarter", salt="quarter.closing")).owners["quarter"]
    assert (closing.phase, closing.salt) == ("closing", "quarter.closing")
    with pytest.raises(AllocationError, match="the closing test of 'quarter' is on"):
        one.claim(Close(owner="quarter", salt="quarter.closing"))
    with pytest.raises(AllocationError, match="700 of 1,000 are free"):
        one.claim(start("a", 701))
    ledger = one.claim(Release(owner="quarter"), start("a", 1000))
    assert ledger.owners["quarter"].phase == "released"


def test_a_unit_s_owners_are_those_of_its_bucket(world: Begin) -> None:
    ledger = world(exclusive="tags").claim(start("a", 500), start("b", 500))
    for number in range(200):
        bucket = ledger.bucket("", f"user_{number}")
        names = [name for name in "ab" if bucket in claimed_buckets(ledger, name)]
        assert [owner.name for owner in ledger.owners_of(f"user_{number}")] == names
    assert ledger.owners_of(None) == ledger.owners_of("") == ()


def test_the_share_is_exact(world: Begin) -> None:
    ledger = world().claim(start("a", 123))
    assert ledger.share("a") * 1000 == 123


def test_a_digest_depends_on_every_bucket() -> None:
    assert digest_of({}) == ""
    assert digest_of({"": frozenset({1, 23})}) != digest_of({"": frozenset({12, 3})})
    assert digest_of({"n1": frozenset({1})}) != digest_of({"": frozenset({1})})


def test_owners_of_a_moment_stand_in_the_order_of_their_claims_whatever_ended_later(world: Begin) -> None:
    one = world(exclusive="tags")
    then = one.claim(start("a", 1000), start("b", 1000))
    at = one.now - timedelta(hours=1)
    for later in (Shrink(owner="b", buckets=500), Shrink(owner="a", buckets=500), Stop(owner="b")):
        whole = one.claim(later)
        for number in range(20):
            unit = f"user_{number}"
            names = [owner.name for owner in whole.owners_of(unit, at)]
            assert names == [owner.name for owner in then.owners_of(unit)] == ["a", "b"]
