"""Statements that run too long are cancelled until they end."""

from threading import Event, active_count
from time import perf_counter

import pytest

from steelyard.warehouse import deadline
from steelyard.warehouse.deadline import ended_after


def test_a_cancellation_that_is_lost_is_repeated_until_the_statement_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deadline, "AGAIN_SECONDS", 0.01)
    is_cancelled, asked = Event(), []

    def cancel() -> None:
        asked.append(None)
        if len(asked) == 3:
            is_cancelled.set()

    with ended_after(0.01, cancel):
        assert is_cancelled.wait(20)
    assert len(asked) >= 3


def test_what_ends_in_time_is_never_cancelled() -> None:
    before, asked = active_count(), []
    with ended_after(60, lambda: asked.append(None)):
        assert active_count() == before + 1
    assert not asked
    assert active_count() == before


def test_without_a_time_nothing_watches() -> None:
    before = active_count()
    with ended_after(None, lambda: pytest.fail("it cancels")):
        assert active_count() == before


def test_an_error_ends_the_watch() -> None:
    before, started = active_count(), perf_counter()
    with pytest.raises(ValueError, match="of its own"), ended_after(60, lambda: pytest.fail("it cancels")):
        raise ValueError("of its own")
    assert active_count() == before
    assert perf_counter() - started < 60
