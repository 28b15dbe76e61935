"""What stands before every route: who asks, from where, and how much comes at once."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from lockgate_runtime.serving.limits import Limits

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

OPEN = {"/health", "/ready"}
"""Routes that need no token: those that tell whether the server lives."""
OWNER = "lockgate.owner"
"""Where a request's scope tells by which token it came."""
GONE = 499
"""What is counted where the client left before there was an answer."""
SAFE = {"GET", "HEAD", "OPTIONS"}
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)


class Tokens:
    """The tokens that open a server. Only their hashes are kept.

    Args:
        tokens: Any of them opens it.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self._hashes = [hashlib.sha256(one.encode()).digest() for one in tokens]

    def owner(self, header: bytes) -> str | None:
        """Return a name for who sent a token, or None where it opens nothing.

        Args:
            header: `Bearer TOKEN`, or as a browser asks for it `Basic` with the token as password.
        """
        kind, _, given = header.partition(b" ")
        given = given.strip()
        if kind.lower() == b"basic":
            try:
                given = base64.b64decode(given, validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return None
        elif kind.lower() != b"bearer":
            return None
        # hashes are of one length, and all are compared: time tells nothing of a token
        sent = hashlib.sha256(given).digest()
        opens = [hmac.compare_digest(sent, one) for one in self._hashes]
        return sent.hex() if any(opens) else None


class Guard:
    """Lets through what a server takes, with its whole body, and refuses the rest.

    Args:
        app: What answers.
        limits: Of bodies and times.
        hosts: Names by which the server may be called, without ports. None: any.
        tokens: What opens it. None: nothing is asked for.
        seen: Is told of method, path, status and seconds of every request.
    """

    def __init__(
        self,
        app: App,
        limits: Limits,
        hosts: frozenset[str] | None,
        tokens: Tokens | None,
        seen: Callable[[MutableMapping[str, Any], int, float], None],
    ) -> None:
        self._app, self._limits, self._hosts, self._tokens = app, limits, hosts, tokens
        self._seen = seen
        self._held = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, or let the app do so."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        began, status = time.perf_counter(), GONE

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        try:
            await self._serve(scope, receive, told)
        finally:
            self._seen(scope, status, time.perf_counter() - began)

    async def _serve(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if refused := self._refused(scope, headers):
            await _refuse(send, *refused)
            return
        if scope["method"] in SAFE:
            await self._app(scope, _nothing, send)
            return
        held = 0
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self._limits.seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    part = message.get("body", b"")
                    more = message.get("more_body", False)
                    held, self._held = held + len(part), self._held + len(part)
                    parts.append(part)
                    if held > self._limits.body_bytes:
                        await _refuse(send, *self._too_large())
                        return
                    if self._held > self._limits.bodies_bytes:
                        await _refuse(send, 503, "the server has much to read: send this again")
                        return
            await self._app(scope, _body(b"".join(parts), receive), send)
        except TimeoutError:
            await _refuse(send, 408, f"the body must come within {self._limits.seconds:g} seconds")
        finally:
            self._held -= held

    def _refused(
        self, scope: MutableMapping[str, Any], headers: dict[bytes, bytes]
    ) -> tuple[int, str] | None:
        """Tell by headers alone why a request is refused."""
        host = headers.get(b"host", b"").decode("latin-1")
        if self._hosts is not None and _name(host) not in self._hosts:
            return 421, (
                f"Host must be one of {', '.join(sorted(self._hosts))}, got {host[:80]!r}; "
                "name others by --allow-host"
            )
        if self._tokens is not None and scope["path"] not in OPEN:
            owner = self._tokens.owner(headers.get(b"authorization", b""))
            if owner is None:
                return 401, "Authorization must be 'Bearer TOKEN' with the token of this server"
            scope[OWNER] = owner
        if scope["method"] in SAFE:
            return None
        origin = headers.get(b"origin", b"").decode("latin-1")
        site = headers.get(b"sec-fetch-site", b"same-origin")
        if site not in (b"same-origin", b"none") or (
            origin and origin.partition("://")[2].lower() != host.lower()
        ):
            return 403, "requests of a browser must come from the server's own page"
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            return 415, "Content-Encoding must be left out: bodies are read as they are"
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 20 or int(length) > self._limits.body_bytes:
            return self._too_large()
        return None

    def _too_large(self) -> tuple[int, str]:
        return 413, f"a body must have at most {self._limits.body_bytes:,} bytes, got more"


def _name(host: str) -> str:
    """Return the name in `name:port` or `[address]:port`."""
    if host.startswith("["):
        return host.partition("]")[0].lstrip("[").lower()
    return host.partition(":")[0].lower()


async def _refuse(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        # what of the body has not come is not waited for
        (b"connection", b"close"),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="lockgate", charset="UTF-8"'))
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _body(data: bytes, receive: Receive) -> Receive:
    """Give a whole body, and then what else the client does."""
    given = False

    async def once() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": data, "more_body": False}

    return once


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
