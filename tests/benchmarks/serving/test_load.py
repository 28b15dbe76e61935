"""The client counts every answer, and latencies from when a request was planned."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from benchmarks.serving.load import END, closed, latencies, open_loop

Told = TypeVar("Told")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def served(asking: Callable[[int], Awaitable[Told]], seconds: float) -> Told:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(END):
            await asyncio.sleep(seconds)
            writer.write(ANSWER[:20])
            await asyncio.sleep(0)
            writer.write(ANSWER[20:])

    tasks = set()

    async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await answer(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(until_closed, "127.0.0.1", 0)
    async with server:
        told = await asking(server.sockets[0].getsockname()[1])
        await asyncio.gather(*tasks)
        return told


def test_a_closed_loop_asks_again_once_it_is_answered() -> None:
    rate = asyncio.run(served(lambda port: closed(port, END, 4, 0.5), 0.05))

    assert 20 < rate <= 81  # 4 connections, each at most 20 a second


def test_waiting_for_a_connection_counts() -> None:
    found = asyncio.run(served(lambda port: open_loop(port, END, 1, 100, 0.2), 0.02))

    assert found.p99 > 0.1  # the last of twenty waits for those before it


def test_latencies_are_taken_from_their_order() -> None:
    assert latencies([float(n) for n in range(100, 0, -1)]) == (51.0, 100.0)
