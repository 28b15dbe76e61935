"""The process that serves: its socket, its token, its end."""

import argparse
import asyncio
import contextlib
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lockgate_runtime.errors import DataError, quoted
from lockgate_runtime.serving.app import create_app
from lockgate_runtime.serving.guard import Tokens
from lockgate_runtime.serving.limits import Limits
from lockgate_runtime.serving.models import Source, exported, named

LOCAL = "127.0.0.1"
TOKEN = "LOCKGATE_TOKEN"  # noqa: S105 - the name of a variable
LEAST_TOKEN = 16
MOST_TOKENS = 2**16
MOST_HEADERS = 2**20
"""Most bytes that come before the headers of a request have ended."""
SWITCH = 0.0005
"""Seconds after which a thread lets another one run."""
STOPPING = 20
"""Seconds that requests which are under way have to end when the server is stopped."""


def serve(
    sources: Sequence[Source],
    *,
    host: str = LOCAL,
    port: int = 8000,
    allow_hosts: Sequence[str] = (),
    tokens: Sequence[str] = (),
    limits: Limits = Limits(),  # noqa: B008 - a tuple
) -> None:
    """Serve models until a signal ends it.

    Args:
        sources: Where they come from.
        host: The address that is listened on.
        port: The port; 0 takes a free one.
        allow_hosts: Names by which the server may be called, beside its address; `*` is any.
        tokens: What opens the server: any of them.
        limits: Of requests.

    Raises:
        DataError: If a model cannot be read, or others may reach the server and it has no token.
        OSError: If the address cannot be listened on.
    """
    if not _is_local(host) and not tokens:
        raise DataError(
            f"host must be an address of this machine alone where there is no token, got "
            f"{quoted(host)}; set {TOKEN}, or name a file by --token-file"
        )
    names = frozenset({"localhost", LOCAL, "::1", host.lower(), *map(str.lower, allow_hosts)})
    # a wildcard address tells no name by which the server is called, and there the token decides
    hosts = None if "*" in allow_hosts or _is_any(host) else names
    app = create_app(list(sources), limits, hosts=hosts, tokens=Tokens(tokens) if tokens else None)
    config = uvicorn.Config(
        app,
        http=_bounded(limits),
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=limits.connections,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=STOPPING,
    )
    shown = f"[{host}]" if ":" in host else host
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=config.backlog)
    except OSError as error:
        raise OSError(f"{shown}:{port} cannot be listened on: {error.strerror}") from None
    what = ", ".join(one.name for one in sources)
    print(
        f"serving {what} on http://{shown}:{listening.getsockname()[1]}",
        file=sys.stderr,
        flush=True,
    )
    # the thread that reads and writes waits so long at most for the one that runs models
    sys.setswitchinterval(SWITCH)
    with _ending_well():
        uvicorn.Server(config).run(sockets=[listening])


@contextlib.contextmanager
def _ending_well() -> Iterator[None]:
    """Let a signal that has ended the server, which raises it again, be no failure."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, lambda *_: None) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _bounded(limits: Limits) -> type[asyncio.Protocol]:
    class Bounded(HttpToolsProtocol):
        """Ends a connection whose headers do not come, or do not end.

        uvicorn bounds neither, nor has it a place to do so: this rests on methods of its own.
        """

        _patience: asyncio.TimerHandle
        _expected: bool
        _unread: int
        _running: Any = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._patience = self.loop.call_later(limits.header_seconds, self._give_up)
            self._expected, self._unread = True, 0

        def connection_lost(self, exc: Exception | None) -> None:
            self._patience.cancel()
            self._forget()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if not self._expected and self.cycle.response_complete:
                # what comes is a body that nobody reads, or no request yet
                self._expect_headers()
            self._unread += len(data)
            if self._expected and self._unread > MOST_HEADERS:
                self._give_up()
                return
            super().data_received(data)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._expect_headers()

        def on_headers_complete(self) -> None:
            self._patience.cancel()
            self._expected = False
            super().on_headers_complete()

        def send_400_response(self, msg: str) -> None:
            self._forget()
            super().send_400_response(msg)

        def timeout_keep_alive_handler(self) -> None:
            # one who does not read the last answer would hold the connection
            self._give_up()

        def _start_asgi_task(self, cycle: Any, app: Any) -> None:
            self._running = cycle
            super()._start_asgi_task(cycle, app)

        def _forget(self) -> None:
            """Let the request under way write nothing more; it is not the last of several."""
            if self._running is not None and not self._running.response_complete:
                self._running.disconnected = True
                self._running.message_event.set()

        def _expect_headers(self) -> None:
            self._patience.cancel()
            self._expected, self._unread = True, 0
            self._patience = self.loop.call_later(limits.header_seconds, self._give_up)

        def _give_up(self) -> None:
            self._forget()
            self.transport.abort()

    return Bounded


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def tokens_of(environment: Mapping[str, str], file: Path | None) -> list[str]:
    """Return the tokens of a file, a line each, or the one of the environment.

    Raises:
        DataError: If there is a file and it cannot be read, or a token is too short.
    """
    if file is None:
        found = [environment[TOKEN]] if environment.get(TOKEN) else []
        where = TOKEN
    else:
        where = str(file)
        try:
            with file.open("rb") as opened:
                text = opened.read(MOST_TOKENS).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"token-file must be a text with a token a line: {error}") from None
        found = [line.strip() for line in text.splitlines() if line.strip()]
        if not found:
            raise DataError(f"{where} must hold a token, got none")
    if any(len(one) < LEAST_TOKEN for one in found):
        raise DataError(
            f"a token in {where} must have at least {LEAST_TOKEN} characters; "
            "python -c 'import secrets; print(secrets.token_urlsafe())' makes one"
        )
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `lockgate-serve`."""
    parser = argparse.ArgumentParser(
        prog="lockgate-serve",
        description="Serve models that `lockgate export` wrote, over HTTP.",
    )
    parser.add_argument("folders", nargs="+", metavar="[NAME=]FOLDER", help="an exported model")
    parser.add_argument("--host", default=LOCAL, help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port (default: %(default)s)")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME",
        help="a name by which the server is called, beside its address; * is any",
    )  # fmt: skip
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE",
        help=f"a token a line; default: the variable {TOKEN}",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, help="threads of a run (default: all cores)")
    asked = parser.parse_args(arguments)
    _run(
        lambda: serve(
            [exported(name, path, asked.threads) for name, path in named(asked.folders).items()],
            host=asked.host,
            port=asked.port,
            allow_hosts=asked.allow_host,
            tokens=tokens_of(os.environ, asked.token_file),
        )
    )


def _run(serving: Callable[[], None]) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        serving()
    except DataError as error:
        print(f"lockgate-serve: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        print(f"lockgate-serve: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
