"""Statements that run too long, on engines that have no timeout of their own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

AGAIN_SECONDS = 0.5


@contextmanager
def ended_after(seconds: float | None, cancel: Callable[[], object]) -> Iterator[None]:
    """Let what runs inside be cancelled after a time, again and again until it ends.

    An engine forgets a cancellation that comes before the statement has begun there, so one alone may be lost.

    Args:
        seconds: After how long; None for never.
        cancel: Cancels what runs; called from another thread.
    """
    if not seconds:
        yield
        return
    is_over = Event()

    def watch() -> None:
        wait = seconds
        while not is_over.wait(wait):
            cancel()
            wait = AGAIN_SECONDS

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        # A cancellation that is on its way must not meet the next statement.
        watcher.join()
