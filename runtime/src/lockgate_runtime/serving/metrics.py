"""What Prometheus reads of a server."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counts of requests, answers, batches, streams and models read anew.

    Args:
        streams: Tells how many are open.
    """

    def __init__(self, streams: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "lockgate_requests_total",
            "Requests answered.",
            ["route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "lockgate_request_seconds",
            "Time from the headers of a request to its answer.",
            ["route"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._batch = Histogram(
            "lockgate_batch_requests",
            "Requests that one run of a graph answered.",
            buckets=SIZES,
            registry=self._registry,
        )
        self._loads = Counter(
            "lockgate_reloads_total",
            "Changed folders that were read anew, and those that could not be used.",
            ["model", "outcome"],
            registry=self._registry,
        )
        gauge = Gauge("lockgate_streams", "Streams that are open.", registry=self._registry)
        gauge.set_function(streams)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def batch(self, size: int) -> None:
        """Count a run of a graph."""
        self._batch.observe(size)

    def reload(self, model: str, well: bool) -> None:
        """Count a model that was read anew."""
        self._loads.labels(model, "ok" if well else "refused").inc()

    def text(self) -> bytes:
        """Return all of them in Prometheus' text format."""
        return generate_latest(self._registry)
