"""Requests that come together are answered in one run of the graph."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Protocol

from lockgate_runtime.errors import DataError
from lockgate_runtime.serving.limits import Limits

MOST = 64
"""Most requests of one run: those that come meanwhile wait for it."""


class Answering(Protocol):
    """What answers several requests at once."""

    def predict_each(self, asked: Sequence[Any]) -> list[dict[str, Any] | DataError]:
        """Return an answer, or an error, for each."""


class BusyError(Exception):
    """So many requests wait that another one must come later."""


class Batches:
    """Takes requests one by one; while one run goes on the next ones gather.

    Args:
        pool: Where the model runs.
        limits: How many may wait, and how long.
        seen: Is told how many requests a run answers.
    """

    def __init__(self, pool: Executor, limits: Limits, seen: Callable[[int], None]) -> None:
        self._pool, self._limits, self._seen = pool, limits, seen
        self._waiting: list[tuple[Answering, Any, asyncio.Future[dict[str, Any]]]] = []
        self._task: asyncio.Task[None] | None = None

    async def answer(self, model: Answering, asked: Any) -> dict[str, Any]:
        """Answer a request.

        Raises:
            DataError: If it cannot be used.
            BusyError: If too many wait.
            TimeoutError: If it takes too long.
        """
        if len(self._waiting) >= self._limits.waiting:
            raise BusyError
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((model, asked, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        async with asyncio.timeout(self._limits.seconds):
            return await future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            model = self._waiting[0][0]
            batch: list[tuple[Any, asyncio.Future[dict[str, Any]]]] = []
            later: list[tuple[Answering, Any, asyncio.Future[dict[str, Any]]]] = []
            for one in self._waiting:
                if one[2].done():
                    continue  # who asked is gone
                if one[0] is model and len(batch) < MOST:
                    batch.append((one[1], one[2]))
                else:
                    later.append(one)
            self._waiting = later
            self._seen(len(batch))
            try:
                answers = await loop.run_in_executor(
                    self._pool, _answers, model, [asked for asked, _ in batch]
                )
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(batch, answers, strict=True):
                if future.done():
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)


def _answers(model: Answering, asked: Sequence[Any]) -> Sequence[dict[str, Any] | Exception]:
    """Answer requests together, or each alone where one of them makes the run fail."""
    try:
        return model.predict_each(asked)
    except Exception as error:
        if len(asked) == 1:
            return [error]
        return [answer for one in asked for answer in _answers(model, [one])]
