"""Requests gather while a run goes on; each gets its answer, and few may wait."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from lockgate_runtime import DataError
from lockgate_runtime.serving.batches import Batches, BusyError
from lockgate_runtime.serving.limits import Limits


class Echo:
    """Answers with what it is asked, once it may go on."""

    def __init__(self) -> None:
        self.go, self.asked = threading.Event(), []

    def predict_each(self, asked: Sequence[Any]) -> list[dict[str, Any] | DataError]:
        """Return what was asked; what is negative is refused."""
        self.go.wait(10)
        self.asked.append(list(asked))
        if "broken" in asked:
            raise RuntimeError("broken")
        return [DataError(str(one)) if one < 0 else {"is": one} for one in asked]


def test_what_comes_during_a_run_shares_the_next() -> None:
    echo, sizes = Echo(), []

    async def run() -> list[Any]:
        with ThreadPoolExecutor(1) as pool:
            batches = Batches(pool, Limits(), sizes.append)
            tasks = [asyncio.create_task(batches.answer(echo, k)) for k in (1,)]
            await asyncio.sleep(0.05)
            tasks += [asyncio.create_task(batches.answer(echo, k)) for k in (2, -3, 4)]
            await asyncio.sleep(0.05)
            echo.go.set()
            return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(run())
    assert echo.asked == [[1], [2, -3, 4]]
    assert sizes == [1, 3]
    assert answers[:2] == [{"is": 1}, {"is": 2}]
    assert isinstance(answers[2], DataError)
    assert answers[3] == {"is": 4}


def test_who_is_gone_is_not_answered_and_few_may_wait() -> None:
    echo = Echo()

    async def run() -> None:
        with ThreadPoolExecutor(1) as pool:
            batches = Batches(pool, Limits(waiting=2, seconds=0.2), lambda _: None)
            first = asyncio.create_task(batches.answer(echo, 1))
            await asyncio.sleep(0.05)
            others = [asyncio.create_task(batches.answer(echo, k)) for k in (2, 3)]
            await asyncio.sleep(0.02)
            with pytest.raises(BusyError):
                await batches.answer(echo, 4)
            others[0].cancel()
            with pytest.raises(TimeoutError):
                await first
            echo.go.set()
            await asyncio.gather(*others, return_exceptions=True)
            assert await batches.answer(echo, 5) == {"is": 5}

    asyncio.run(run())
    assert [2] not in echo.asked
    assert not any(2 in asked for asked in echo.asked)


def test_a_run_that_fails_ends_its_requests_alone() -> None:
    echo = Echo()
    echo.go.set()

    async def run() -> None:
        with ThreadPoolExecutor(1) as pool:
            batches = Batches(pool, Limits(), lambda _: None)
            with pytest.raises(RuntimeError, match="broken"):
                await batches.answer(echo, "broken")
            assert await batches.answer(echo, 1) == {"is": 1}

    asyncio.run(run())
