"""What hostile requests once did to a server, and no longer do."""

import asyncio
import json
import logging
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason='needs the extra "serve"')

import uvicorn
from exported_models import Exported
from lockgate_runtime import tables
from lockgate_runtime.classifier import MOST_PADDED, _batches
from lockgate_runtime.errors import DataError
from lockgate_runtime.serving import asking
from lockgate_runtime.serving.batches import Batches
from lockgate_runtime.serving.limits import Limits
from lockgate_runtime.serving.server import _bounded
from lockgate_runtime.stamps import Steps

HOURS = {"count": 3_600_000_000, "unit": "us", "words": "1h"}
SCHEMA = {
    "step": HOURS, "zone": None, "by_wall_clock": False, "opening": [], "closed_days": True,
    "every_row": False, "resample": None, "calendar": ["hour"], "holidays": None,
}  # fmt: skip
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_one_long_stamp_takes_no_memory_for_the_others() -> None:
    stamps = ["2024-01-01T00:00:00"] * 3_000
    stamps[7] = "x" * 500_000

    tracemalloc.start()
    with pytest.raises(DataError, match="must hold stamps by ISO 8601"):
        Steps(SCHEMA).read(stamps, "ds")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2**24


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:00:00+00:00"])
def test_stamps_at_the_ends_of_time_are_refused_where_a_zone_moves_them(stamp: str) -> None:
    zones = {"0001": "America/New_York", "9999": "Asia/Tokyo"}
    steps = Steps({**SCHEMA, "zone": zones[stamp[:4]]})
    instants = steps.read([stamp], "ds")

    with pytest.raises(DataError, match="years 1 to 9999"):
        steps.calendar(instants)


def test_numbers_of_rows_are_bounded() -> None:
    steps = Steps({**SCHEMA, "step": {"count": 1, "unit": "row", "words": "1 row"}})

    with pytest.raises(DataError, match="numbers of rows up to"):
        steps.read([2**63, 2**64 - 1], "ds")


def test_series_far_apart_are_refused(several: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    import lockgate_runtime

    monkeypatch.setattr(tables, "MOST_LAID", 100)
    model = lockgate_runtime.load(several.folder)
    days = [datetime(2024, 1, 1) + timedelta(n) for n in range(60)]
    names = ["a"] * 60 + [f"s{n}" for n in range(30) for _ in range(2)]
    stamps = [*days, *[days[0], days[-1]] * 30]
    table: dict[str, Any] = {"unique_id": names, "ds": stamps}
    table |= {name: [1.0] * len(names) for name in model.columns}

    with pytest.raises(DataError, match="must have at most 1,200 steps together"):
        model.predict(table)


def test_a_batch_is_no_longer_than_its_padding_allows() -> None:
    lengths = [1] * 255 + [MOST_PADDED]

    batches = list(_batches(np.arange(256), lengths))

    assert [len(one) for one in batches] == [255, 1]


def test_half_a_surrogate_pair_goes_back_as_it_came() -> None:
    text = json.dumps({"a": "\ud800"}, ensure_ascii=False)

    assert json.loads(asking.encoded(text)) == {"a": "\ud800"}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_an_answer_that_json_cannot_hold_is_refused(number: float) -> None:
    with pytest.raises(DataError, match="'forecast' of the answer must be finite"):
        asking.listing({"forecast": np.array([1.0, number])})


def test_cells_that_rows_leave_out_are_counted() -> None:
    rows: list[dict[str, int]] = [{}] * 9 + [{"a": 1, "b": 2}]

    with pytest.raises(DataError, match="data must have at most 19 cells, got 20"):
        asking.columns(rows, "data", Limits()._replace(cells=19))


class Failing:
    """Fails where any of the requests is bad."""

    def predict_each(self, asked: Sequence[Any]) -> list[dict[str, Any] | DataError]:
        """Answer all or none."""
        if "bad" in asked:
            raise ArithmeticError
        return [{"answer": one} for one in asked]


def test_a_request_that_fails_spares_those_beside_it() -> None:
    async def ask() -> list[Any]:
        with ThreadPoolExecutor(1) as pool:
            batches = Batches(pool, Limits(), lambda _: None)
            model = Failing()
            asked = (batches.answer(model, one) for one in ("good", "bad", "fine"))
            return await asyncio.gather(*asked, return_exceptions=True)

    good, bad, fine = asyncio.run(ask())

    assert (good, fine) == ({"answer": "good"}, {"answer": "fine"})
    assert isinstance(bad, ArithmeticError)


def talk(
    app: Any, talking: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]
) -> bytes:
    """Serve an app, and return what a conversation with it gave."""

    async def run() -> bytes:
        http = _bounded(Limits()._replace(header_seconds=0.2))
        config = uvicorn.Config(app, port=0, http=http, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        listening = config.bind_socket()
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        try:
            async with asyncio.timeout(5):
                return await talking(reader, writer)
        finally:
            writer.close()
            server.should_exit = True
            await serving
            listening.close()

    return asyncio.run(run())


async def late(scope: Any, receive: Any, send: Any) -> None:
    """Answer after a while."""
    await asyncio.sleep(0.1)
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def test_empty_lines_do_not_hold_a_connection() -> None:
    async def talking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(REQUEST)
        await reader.readuntil(b"ok")
        writer.write(b"\r\n")
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""

    assert talk(late, talking) == b""


def test_garbage_behind_a_request_that_runs_raises_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def talking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(REQUEST + b"GARBAGE\r\n\r\n")
        answer = await reader.read()
        await asyncio.sleep(0.3)
        return answer

    with caplog.at_level(logging.ERROR):
        answer = talk(late, talking)

    assert answer.startswith(b"HTTP/1.1 400")
    assert not caplog.records
