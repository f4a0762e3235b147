"""Exposures into a table of any database that SQLAlchemy knows, many at a time."""

from collections import deque
from threading import Lock

import sqlalchemy as sa

from steelyard.assign.exposure import Exposure
from steelyard.errors import EngineError

COLUMNS: dict[str, type[sa.Text | sa.DateTime | sa.Integer]] = {
    **dict.fromkeys(("event_id", "user_id", "unit", "experiment_id", "variant"), sa.Text),
    "timestamp": sa.DateTime,
    **dict.fromkeys(("client", "app_version", "ruleset_version"), sa.Text),
    "bucket": sa.Integer,
    **dict.fromkeys(("scheme", "reason"), sa.Text),
}


class TableWriter:
    """Inserts exposures in batches, by the client's thread.

    An insert that fails leaves nothing behind and is tried again with the next one.

    Args:
        engine: The database, or its URL.
        table: Name of the table; it is made if there is none.
        schema: Its schema; None is the default one.
        most_waiting: Exposures that may wait; further ones are refused, and counted by the client.
        batch: Rows of one insert.
    """

    def __init__(
        self,
        engine: sa.Engine | str,
        table: str = "exposures",
        *,
        schema: str | None = None,
        most_waiting: int = 100_000,
        batch: int = 1000,
    ) -> None:
        self._engine = sa.create_engine(engine) if isinstance(engine, str) else engine
        columns = [
            sa.Column(
                name, sa.DateTime(timezone=True) if kind is sa.DateTime else kind(), nullable=name == "bucket"
            )
            for name, kind in COLUMNS.items()
        ]
        self._table = sa.Table(table, sa.MetaData(), *columns, schema=schema)
        self._waiting: deque[Exposure] = deque()
        self._most_waiting, self._batch, self._is_made = most_waiting, batch, False
        self._lock = Lock()

    def write(self, exposure: Exposure) -> None:
        """Let an exposure wait for the next flush.

        Raises:
            EngineError: Too many are waiting.
        """
        if len(self._waiting) >= self._most_waiting:
            raise EngineError(
                f"{self._most_waiting:,} exposures are waiting", where=f"table {self._table.fullname}"
            )
        self._waiting.append(exposure)

    def flush(self) -> None:
        """Insert all that is waiting.

        Raises:
            SQLAlchemyError: The database refused; what has not been inserted is still waiting.
        """
        with self._lock:
            while self._waiting:
                if not self._is_made:
                    self._table.metadata.create_all(self._engine)
                    self._is_made = True
                taken = [self._waiting[index] for index in range(min(self._batch, len(self._waiting)))]
                rows = [{name: getattr(one, name) for name in COLUMNS} for one in taken]
                with self._engine.begin() as connection:
                    connection.execute(sa.insert(self._table), rows)
                for _ in taken:
                    self._waiting.popleft()

    def close(self) -> None:
        """Flush, and close the database's connections."""
        self.flush()
        self._engine.dispose()

    def after_fork(self) -> None:
        """Leave the parent's connections and exposures to it."""
        self._lock = Lock()
        self._waiting = deque()
        self._engine.dispose(close=False)
