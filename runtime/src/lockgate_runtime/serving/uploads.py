"""Tables that come as CSV or Parquet, read in processes that can be killed."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from lockgate_runtime.errors import DataError
from lockgate_runtime.serving.limits import Limits

READER = Path(__file__).with_name("reader.py")
KINDS = {
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
}
JSON_PER_BYTE = 8
"""Most bytes that a byte of a decoded table may need as JSON."""


class Uploads:
    """Reads tables, few at once.

    Args:
        limits: Of a table and its reading.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._turns = asyncio.Semaphore(limits.readers)

    async def read(self, body: bytes, kind: str) -> dict[str, list[Any]]:
        """Return the columns of a table.

        Raises:
            DataError: If it is none, or beyond a limit.
            TimeoutError: If it takes too long.
        """
        limits = self._limits
        asked = (
            kind, limits.rows, limits.columns, limits.decoded_bytes, limits.memory_bytes,
            int(limits.seconds) + 1,
        )  # fmt: skip
        async with asyncio.timeout(limits.seconds), self._turns:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", str(READER), *map(str, asked),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                told = await self._exchange(process, body)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if told is None:
            raise DataError(
                f"the table must be {kind} that can be read: reading it was ended; send less"
            )
        if "refused" in told:
            raise DataError(told["refused"])
        columns: dict[str, list[Any]] = told["columns"]
        return columns

    async def _exchange(
        self, process: asyncio.subprocess.Process, body: bytes
    ) -> dict[str, Any] | None:
        """Send the table, and return what is told of it; None where the process fell."""
        assert process.stdin is not None
        assert process.stdout is not None
        sending = asyncio.create_task(_send(process.stdin, body))
        most, parts, held = JSON_PER_BYTE * self._limits.decoded_bytes, [], 0
        while part := await process.stdout.read(2**16):
            parts.append(part)
            held += len(part)
            if held > most:
                sending.cancel()
                return None
        await sending
        if await process.wait() != 0:
            return None
        told: dict[str, Any] = json.loads(b"".join(parts))
        return told


async def _send(pipe: asyncio.StreamWriter, body: bytes) -> None:
    try:
        pipe.write(body)
        await pipe.drain()
        pipe.close()
        await pipe.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it ended before it had read all: its exit tells why
