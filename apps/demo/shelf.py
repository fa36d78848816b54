"""What is loaded once and shared by all visitors: read-only, and no more than a few at a time."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


class Shelf(Generic[Key, Item]):
    """Loads each item when it is first asked for; of those that may go, the longest unused gives way."""

    def __init__(self, load: Callable[[Key], Item], stays: Callable[[Key], bool], max_others: int) -> None:
        self._load = load
        self._stays = stays
        self._max_others = max_others
        self._lock = threading.Lock()
        self._items: OrderedDict[Key, Future[Item]] = OrderedDict()

    def get(self, key: Key) -> Item:
        """The item of a key; what loading raises is raised to all who wait for it, and it is tried anew next time."""
        with self._lock:
            pending = self._items.get(key)
            mine = pending is None
            future: Future[Item] = Future() if pending is None else pending
            self._items[key] = future
            self._items.move_to_end(key)
        if mine:
            self._fulfil(key, future)
        return future.result()

    def _fulfil(self, key: Key, future: Future[Item]) -> None:
        """Load outside the lock, so that a slow download holds up only those who wait for the same item."""
        try:
            item = self._load(key)
        except BaseException as error:
            with self._lock:
                self._items.pop(key, None)
            future.set_exception(error)
            return
        future.set_result(item)
        self._give_way()

    def _give_way(self) -> None:
        with self._lock:
            others = [key for key, future in self._items.items() if not self._stays(key) and future.done()]
            for key in others[: max(0, len(others) - self._max_others)]:
                del self._items[key]
