"""Try again what failed for a reason that passes by itself."""

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from steelyard.errors import WarehouseError

T = TypeVar("T")

PAUSES = (0.5, 2.0, 8.0)


def with_retries(
    action: Callable[[], T],
    *,
    pauses: Sequence[float] = PAUSES,
    sleep: Callable[[float], None] = time.sleep,
    tell: Callable[[str], None] = lambda _: None,
) -> T:
    """Run an action, again after each pause while it fails with a transient `WarehouseError`.

    Args:
        action: All of it must be safe to run again: one statement outside of a transaction, or a whole one.
        pauses: Seconds to wait before each further try, each lengthened by up to half at random, so that two runs
            that collided do not collide again.
        sleep: Waits.
        tell: Called with a line before each further try.

    Raises:
        WarehouseError: It is not transient, or the last try failed too.

    Examples:
        >>> with_retries(lambda: 1 + 1)
        2
    """
    for pause in pauses:
        try:
            return action()
        except WarehouseError as error:
            if not error.is_transient:
                raise
            tell(f"{error.args[0]}; trying again in {pause:g} s")
        sleep(pause * random.uniform(1.0, 1.5))
    return action()
