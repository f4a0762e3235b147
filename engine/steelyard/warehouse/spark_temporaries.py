"""Temporary tables of a session of Spark: queries whose rows it keeps, and queries that it runs for each reader."""

from collections.abc import Iterator
from functools import reduce
from typing import Any

from steelyard.warehouse.spark_session import for_many_rows


class Temporaries:
    """The temporary tables of one session.

    The rows of a kept one are in the memory of the executors, and on their disks where they do not fit. They are
    there before it can be read, so that what fails fails where it is made; what an executor has lost is computed
    again. Nothing is in the catalogue, and nothing outlives the session.

    Args:
        session: pyspark's.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._frames: dict[str, Any] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._frames))

    def keep(self, name: str, sql: str) -> None:
        """Run a query, keep its rows and give them a name."""
        frame = self._session.sql(sql)
        try:
            with for_many_rows(self._session):
                frame.persist().count()
            kept = _kept_rows(frame)
        except BaseException:
            frame.unpersist()
            raise
        self._name(name, kept, frame)

    def derive(self, name: str, sql: str) -> None:
        """Give a query a name; it runs where it is read."""
        frame = self._session.sql(sql)
        self._name(name, frame, frame)

    def _name(self, name: str, shown: Any, frame: Any) -> None:
        self.drop(name)
        shown.createOrReplaceTempView(name)
        self._frames[name] = frame

    def drop(self, name: str) -> None:
        """Forget a temporary table and its rows, if there is one of that name."""
        frame = self._frames.pop(name, None)
        if frame is not None:
            self._session.catalog.dropTempView(name)
            frame.unpersist()


def _kept_rows(frame: Any) -> Any:
    """Return a frame that reads the kept rows of another one, and nothing else.

    By itself Spark looks for kept rows by comparing plans, and does not find those of a query with a WITH clause once
    they are read by another query that has one (4.1): it would run the first one again, without a word.
    """
    session = frame.sparkSession
    dataset = reduce(getattr, str(frame._jdf.getClass().getName()).split("."), session._jvm)
    return type(frame)(
        dataset.ofRows(session._jsparkSession, frame._jdf.queryExecution().withCachedData()), session
    )
