"""Warehouses over the network that have transactions and temporary tables of a session."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from steelyard.errors import WarehouseError
from steelyard.warehouse.driven import DrivenWarehouse


class TransactionalWarehouse(DrivenWarehouse):
    """A warehouse whose statements between ``begin`` and ``commit`` take effect together.

    Temporary tables belong to the session, so nothing of them is left when it ends, however it ends.
    """

    _is_in_transaction = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._is_in_transaction:
            raise WarehouseError("a transaction is open already", where=self._where, hint="end it first")
        self.execute("begin")
        self._is_in_transaction = True
        try:
            yield
            self.execute("commit")
        except BaseException:
            with suppress(WarehouseError):
                self.execute("rollback")
            raise
        finally:
            self._is_in_transaction = False

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        if self._is_in_transaction:
            yield
            return
        with self.transaction():
            yield
