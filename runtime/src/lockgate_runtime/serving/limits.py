"""What a server takes of one request, and of all of them together."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Bounds of a server."""

    body_bytes: int = 8 * 2**20
    """Most bytes of a body."""
    bodies_bytes: int = 128 * 2**20
    """Most bytes of the bodies of all requests that are under way."""
    rows: int = 100_000
    """Most rows of a table, or steps of all recordings together."""
    columns: int = 1_000
    """Most columns of a table that is uploaded."""
    cells: int = 4_000_000
    """Most cells of a table that is sent as rows, where one that is left out takes no bytes."""
    items: int = 1_000
    """Most texts or recordings, or series of a table."""
    characters: int = 2_000_000
    """Most characters of all texts together."""
    seconds: float = 30.0
    """Longest time until a body has come, until a table is read, and until an answer is there."""
    header_seconds: float = 10.0
    """Longest time until a connection has sent the headers of a request."""
    connections: int = 256
    """Most connections and requests at once."""
    waiting: int = 1_000
    """Most requests that wait for a model."""
    streams: int = 1_000
    """Most streams that are open."""
    stream_rows: int = 1_000_000
    """Most rows that all streams together keep."""
    stream_seconds: float = 3_600.0
    """How long a stream stays open that nobody sends to."""
    decoded_bytes: int = 64 * 2**20
    """Most bytes of an uploaded table once it is decoded."""
    memory_bytes: int = 2**30
    """Most memory of the process that reads a table."""
    readers: int = 2
    """Most tables that are read at once."""
