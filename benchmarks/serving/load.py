"""A cheap client: prepared bytes over connections that stay open."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, cast

END = b"\r\n\r\n"
LENGTH = b"content-length: "


class Connection(asyncio.Protocol):
    """Sends one request after another, and tells when each is answered."""

    def __init__(self) -> None:
        self._parts = b""
        self._answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write to."""
        self.transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes) -> asyncio.Future[int]:
        """Send a request; its status comes."""
        self._answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answered

    def data_received(self, data: bytes) -> None:
        """Wait for the whole answer."""
        self._parts += data
        head = self._parts.find(END)
        if head < 0:
            return
        start = self._parts.lower().index(LENGTH) + len(LENGTH)
        length = int(self._parts[start : self._parts.index(b"\r", start)])
        if len(self._parts) >= head + len(END) + length and self._answered is not None:
            status = int(self._parts[9:12])
            self._parts = b""
            self._answered.set_result(status)

    def connection_lost(self, error: Exception | None) -> None:
        """Let who waits know."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(ConnectionError(f"the server closed: {error}"))


class Latencies(NamedTuple):
    """Seconds from the planned arrival of a request to its answer."""

    p50: float
    p99: float


async def _connected(port: int, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(count)]
    return [connection for _, connection in made]


async def closed(port: int, request: bytes, connections: int, seconds: float) -> float:
    """Return requests a second where each connection asks again once it is answered."""
    every = await _connected(port, connections)
    count, end = 0, time.perf_counter() + seconds

    async def go_on(connection: Connection) -> None:
        nonlocal count
        while time.perf_counter() < end:
            _check(await connection.ask(request))
            count += 1

    began = time.perf_counter()
    await asyncio.gather(*(go_on(one) for one in every))
    taken = time.perf_counter() - began
    for one in every:
        one.transport.close()
    return count / taken


async def open_loop(
    port: int, request: bytes, connections: int, rate: float, seconds: float
) -> Latencies:
    """Return latencies where requests arrive at fixed times, whether the others are answered."""
    free = deque(await _connected(port, connections))
    every, waiting, taken = [*free], deque[float](), []
    tasks: set[asyncio.Task[None]] = set()

    async def ask(connection: Connection, planned: float) -> None:
        _check(await connection.ask(request))
        taken.append(time.perf_counter() - planned)
        if waiting:
            start(connection, waiting.popleft())
        else:
            free.append(connection)

    def start(connection: Connection, planned: float) -> None:
        task = asyncio.create_task(ask(connection, planned))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    began = time.perf_counter()
    for place in range(int(rate * seconds)):
        planned = began + place / rate
        if (wait := planned - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        if free:
            start(free.popleft(), planned)
        else:
            waiting.append(planned)
    while tasks:
        await asyncio.gather(*tasks)
    for one in every:
        one.transport.close()
    return latencies(taken)


def latencies(taken: Sequence[float]) -> Latencies:
    """Return the middle and the 99th of a hundred."""
    order = sorted(taken)
    return Latencies(*(order[min(len(order) - 1, len(order) * at // 100)] for at in (50, 99)))


def _check(status: int) -> None:
    if status != 200:
        raise SystemExit(f"the server must answer 200, got {status}")
