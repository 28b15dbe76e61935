"""The routes of a server."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import PurePath
from typing import Any, NamedTuple

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

import lockgate_runtime
from lockgate_runtime.errors import DataError
from lockgate_runtime.forecaster import Forecaster
from lockgate_runtime.serving import asking
from lockgate_runtime.serving.batches import Batches, BusyError
from lockgate_runtime.serving.described import description, examples
from lockgate_runtime.serving.guard import OWNER, App, Guard, Tokens
from lockgate_runtime.serving.limits import Limits
from lockgate_runtime.serving.metrics import Metrics
from lockgate_runtime.serving.models import Model, Models, Source
from lockgate_runtime.serving.streams import Streams, columns_of
from lockgate_runtime.serving.uploads import KINDS, Uploads

MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
JSON, CSV = "application/json", "text/csv"
LOOKS = 1.0
"""Seconds between two looks at the folders."""


class _RefusedError(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Served(NamedTuple):
    """What the routes work with."""

    models: Models
    streams: Streams
    batches: Batches
    uploads: Uploads
    metrics: Metrics
    limits: Limits

    async def answer(self, model: Model, content: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Answer the fields of a request."""
        asked = asking.asked(model, content, self.limits)
        return asking.listing(await self.batches.answer(model, asked))

    async def content(self, request: Request, model: Model) -> dict[str, Any]:
        """Return the fields of a request, whatever it came as."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await request.body()
        if kind == JSON:
            return asking.parsed(body)
        if kind in KINDS:
            return asking.of_table(model, await self.uploads.read(body, KINDS[kind]))
        raise _RefusedError(
            415, f"Content-Type must be one of {', '.join((JSON, *KINDS))}, got {kind[:80]!r}"
        )


def create_app(
    sources: list[Source],
    limits: Limits,
    *,
    hosts: frozenset[str] | None,
    tokens: Tokens | None,
) -> App:
    """Read and try the models, and return the application that answers with them.

    Args:
        sources: Where models come from.
        limits: Of requests and streams.
        hosts: Names by which the server may be called. None: any.
        tokens: What opens it. None: nothing is asked for.

    Raises:
        DataError: If a model cannot be used.
    """
    # one thread for the models: a run uses the cores by itself, and the next ones gather meanwhile
    pool = ThreadPoolExecutor(1, thread_name_prefix="model")
    loading = ThreadPoolExecutor(1, thread_name_prefix="loading")
    streams = Streams(limits)
    metrics = Metrics(streams.__len__)
    models = Models(sources, metrics.reload)
    batches = Batches(pool, limits, metrics.batch)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(models.watch(loading, LOOKS))
        expiring = asyncio.create_task(_expire(streams))
        app.state.ready = True
        yield
        app.state.ready = False
        watching.cancel()
        expiring.cancel()
        loading.shutdown(wait=False, cancel_futures=True)
        pool.shutdown(wait=False)

    models.load()
    app = FastAPI(
        title="lockgate",
        version=lockgate_runtime.__version__,
        lifespan=lifespan,
        docs_url=None,  # they load scripts of another host
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # the path that is meant is told instead
    )
    app.state.ready = False
    served = Served(models, streams, batches, Uploads(limits), metrics, limits)
    _add_routes(app, served)
    _add_streams(app, served)
    _add_pages(app)
    app.add_exception_handler(DataError, _cannot)
    app.add_exception_handler(_RefusedError, _refused)
    app.add_exception_handler(BusyError, _busy)
    app.add_exception_handler(TimeoutError, _late)
    app.add_exception_handler(404, _absent)
    app.add_exception_handler(405, _absent)

    def seen(scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        route = scope.get("route")
        metrics.request(getattr(route, "path", "other"), status, seconds)

    return Guard(app, limits, hosts, tokens, seen)


async def _expire(streams: Streams) -> None:
    while True:
        await asyncio.sleep(30)
        streams.expire()


def _add_routes(app: FastAPI, served: Served) -> None:
    models, limits = served.models, served.limits

    @app.get("/health", summary="Whether the process answers")
    async def health() -> Response:
        return _json({"status": "ok"})

    @app.get("/ready", summary="Whether it takes requests")
    async def ready() -> Response:
        well = app.state.ready
        return _json({"status": "ready" if well else "not ready"}, 200 if well else 503)

    @app.get("/metrics", summary="Counts, for Prometheus")
    async def metrics() -> Response:
        return Response(served.metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/models", summary="The models that answer")
    async def names() -> Response:
        return _json({"models": [description(*models.get(name)) for name in models.names]})

    @app.get("/schema", summary="What a model reads and gives")
    async def schema(model: str | None = None) -> Response:
        return _json(description(*models.get(model)))

    @app.post("/predict", summary="Forecast, or label texts or recordings")
    async def predict(request: Request) -> Response:
        name, model = models.get(request.query_params.get("model"))
        answer = await served.answer(model, await served.content(request, model))
        if CSV in request.headers.get("accept", ""):
            return Response(asking.encoded(asking.as_csv(answer)), media_type=CSV)
        return _json({"model": name, "prediction": answer})

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        described = get_openapi(title=app.title, version=app.version, routes=app.routes)
        every = [models.get(name) for name in models.names]
        asks = {name: {"value": examples(model)} for name, model in every}
        body = {
            "required": True,
            "content": {
                JSON: {"schema": {"type": "object"}, "examples": asks},
                **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS},
            },
        }
        which = {
            "name": "model",
            "in": "query",
            "required": len(models.names) > 1,
            "schema": {"type": "string", "enum": list(models.names)},
        }
        for path, methods in described["paths"].items():
            if "post" in methods and path in ("/predict", "/streams", "/streams/{stream}"):
                methods["post"]["requestBody"] = body
                methods["post"]["description"] = f"At most {limits.body_bytes:,} bytes."
            if "post" in methods and path in ("/predict", "/streams"):
                methods["post"]["parameters"] = [which]
        return _json(described)


def _add_streams(app: FastAPI, served: Served) -> None:
    models, streams, limits = served.models, served.streams, served.limits

    def forecaster(name: str | None) -> tuple[str, Forecaster]:
        found, model = models.get(name)
        if not isinstance(model, Forecaster):
            raise DataError(f"a stream must be of a model that forecasts, got {found!r}")
        return found, model

    @app.post("/streams", summary="Open a stream, with its first rows or none", status_code=201)
    async def open_stream(request: Request) -> Response:
        name, model = forecaster(request.query_params.get("model"))
        content = await _stream_content(request, served, model)
        opened, stream = streams.open(name, _owner(request))
        told: dict[str, Any] = {"stream": opened, "seconds": limits.stream_seconds, "model": name}
        try:
            if content.get("data"):
                told["prediction"] = await push(stream, model, content)
        except BaseException:
            streams.close(opened)
            raise
        return _json(told, 201)

    @app.post("/streams/{stream}", summary="Add rows, and forecast what comes after them")
    async def add_rows(stream: str, request: Request) -> Response:
        found = streams.find(stream, _owner(request))
        if found is None:
            raise _RefusedError(404, "the stream must be open, got none of this name; open one")
        name, model = forecaster(found.model)
        content = await _stream_content(request, served, model)
        return _json({"model": name, "prediction": await push(found, model, content)})

    @app.delete("/streams/{stream}", summary="Close a stream", status_code=204)
    async def close_stream(stream: str, request: Request) -> Response:
        if streams.find(stream, _owner(request)) is None:
            raise _RefusedError(404, "the stream must be open, got none of this name")
        streams.close(stream)
        return Response(status_code=204)

    async def push(stream: Any, model: Forecaster, content: Mapping[str, Any]) -> Any:
        """Forecast after more rows; rows that cannot be used leave the stream as it was."""
        async with stream.lock:
            data = asking.columns(content.get("data"), "data", limits)
            window = stream.with_rows(model, data)
            answer = await served.answer(model, {**content, "data": columns_of(window)})
            streams.keep(stream, window)
            return answer


async def _stream_content(request: Request, served: Served, model: Model) -> dict[str, Any]:
    return await served.content(request, model) if await request.body() else {}


def _add_pages(app: FastAPI) -> None:
    def add(route: str, content: bytes, media: str) -> None:
        @app.get(route, include_in_schema=False)
        async def give() -> Response:
            return Response(content, media_type=media)

    for file in (files("lockgate_runtime.serving") / "page").iterdir():
        media = MEDIA.get(PurePath(file.name).suffix)
        if media is not None:
            route = "/" if file.name == "index.html" else f"/{file.name}"
            add(route, file.read_bytes(), media)


def _owner(request: Request) -> str:
    owner: str = request.scope.get(OWNER, "")
    return owner


def _json(content: Any, status: int = 200) -> Response:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(asking.encoded(text), status, media_type=JSON)


async def _cannot(_: Request, error: Exception) -> Response:
    return _json({"detail": str(error)}, 422)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, _RefusedError)
    return _json({"detail": error.detail}, error.status)


async def _busy(_: Request, __: Exception) -> Response:
    response = _json({"detail": "many requests wait: send this again"}, 503)
    response.headers["Retry-After"] = "1"
    return response


async def _late(_: Request, __: Exception) -> Response:
    return _json({"detail": "the answer took too long: send less at once"}, 503)


async def _absent(_: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    what = "path" if status == 404 else "method"
    return _json({"detail": f"the {what} must be one of this server's: see /openapi.json"}, status)
