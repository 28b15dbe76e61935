"""Runs of MLflow: one for the whole run, and one below it for each fit."""

import json
import logging
import os
import re
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lockgate.errors import DataError, need, shortened
from lockgate.files import write_text
from lockgate.tracking.curves import curves_of
from lockgate.tracking.ended import Ended
from lockgate.tracking.pyfunc import write_model
from lockgate.training.history import History

STORE = "mlflow.db"
"""The store beside the folder of a run, which all runs that lie there share."""
ARTIFACTS = "mlartifacts"
NOTES = "mlflow.json"
EXPERIMENT = "lockgate"
KEY = "lockgate.key"
MODEL = "model"
"""The folder of the fitted model among the artifacts of a run."""
TABLES = "mlflow.store.db.utils"
"""The logger by which MLflow tells that it makes the tables of a new store."""
MOST_PARAMS, MOST_METRICS = 100, 1000
"""What MLflow takes at once."""


class MlflowWriter:
    """Writes to the store that `MLFLOW_TRACKING_URI` names, by default a file beside `out`.

    Each run has a tag that tells it from others, so that one that was killed and goes on is found
    again, and no fit is written twice.

    Args:
        out: The folder of the run.
        notes: A file that lasts until the run is written, which holds that tag.

    Raises:
        DataError: If MLflow cannot open the store.
        OSError: If it cannot write to it later on.
        ModuleNotFoundError: If MLflow, or what it opens a file with, is not installed.
    """

    def __init__(self, out: Path, notes: Path) -> None:
        # before it is imported: it would tell its makers of every run
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        self._mlflow, self._out, self._notes = need("mlflow", "track=mlflow"), out, notes
        told, beside = os.environ.get("MLFLOW_TRACKING_URI"), out.resolve().parent
        uri = told or f"sqlite:///{beside / STORE}"
        artifacts = None if told else (beside / ARTIFACTS).as_uri()
        if not told:
            for module in ("sqlalchemy", "alembic"):
                need(module, "track=mlflow")
            beside.mkdir(parents=True, exist_ok=True)
        # an address may hold a password
        self._store = "MLFLOW_TRACKING_URI" if told else str(beside / STORE)
        try:
            with _no_news_of(TABLES):
                self._client = self._mlflow.MlflowClient(tracking_uri=uri)
                self._experiment = self._find_experiment(artifacts)
        except Exception as error:  # of MLflow, or of the database below it
            reason = _line(error)
            raise DataError(
                f"{self._store} must be a store that MLflow can open: {reason}"
            ) from error

    def fit(self, folder: Path, name: str, config: Any, history: History) -> None:  # noqa: ARG002
        """Write the settings and curves of a fit, unless they are there."""
        with self._told_where_it_fails():
            self._write_fit(name, config, history)

    def end(self, folder: Path, ended: Ended) -> None:
        """Write settings, scores, verdict, files and model of a run; of one that went on, what is
        new.

        A setting that changed as the run went on, such as its rounds, stays as it was first written
        among the parameters, which MLflow never changes; `config.yaml` has the last.
        """
        with self._told_where_it_fails():
            self._write_end(folder, ended)

    @contextmanager
    def _told_where_it_fails(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # of MLflow, or of what is below it
            raise OSError(
                f"{self._store} must be a store that MLflow can write to: {_line(error)}; continue "
                "with resume=True (--resume), with or without track"
            ) from error

    def _write_fit(self, name: str, config: Any, history: History) -> None:
        parent = self._parent()
        key = f"{parent.data.tags[KEY]}/{name}"
        known = self._find(key)
        if known is not None and known.info.status == "FINISHED":
            return
        if known is not None:  # half of it, by a process that was killed
            self._client.delete_run(known.info.run_id)
        ended = time.time()
        began = ended - sum(history.seconds)
        run = self._create(key, name, began, {"mlflow.parentRunId": parent.info.run_id})
        self._log_params(run, config)
        curves = curves_of(config.training, history)
        self._log_metrics(
            run,
            [
                self._mlflow.entities.Metric(_name(curve), value, _ms(began + seconds), step)
                for curve, values in curves.values.items()
                for value, step, seconds in zip(values, curves.steps, curves.seconds, strict=True)
            ],
        )
        self._client.set_tag(run.info.run_id, "lockgate.stopped", str(history.stopped))
        self._client.set_terminated(run.info.run_id, end_time=_ms(ended))

    def _write_end(self, folder: Path, ended: Ended) -> None:
        run = self._parent()
        identity, now = run.info.run_id, _ms(time.time())
        self._log_params(run, ended.config)
        scores = {_name(name): score for name, score in ended.scores.items()}
        self._log_metrics(
            run,
            [
                self._mlflow.entities.Metric(name, score, now, ended.rounds)
                for name, score in scores.items()
                if run.data.metrics.get(name) != score
            ],
        )
        for name, lines in ended.texts.items():
            self._client.log_text(identity, "\n".join(lines), f"{name}.txt")
        if recommendation := ended.texts.get("recommendation"):
            self._client.set_tag(identity, "mlflow.note.content", "\n\n".join(recommendation))
        for file in ended.files:
            within = Path(file).parent.as_posix()
            self._client.log_artifact(
                identity, str(folder / file), None if within == "." else within
            )
        if ended.fitted is not None:
            with TemporaryDirectory() as temporary:
                write_model(ended.fitted, Path(temporary), self._mlflow.__version__)
                self._client.log_artifacts(identity, temporary, MODEL)
        self._client.set_terminated(identity)

    def _find_experiment(self, artifacts: str | None) -> str:
        """Return the experiment that `MLFLOW_EXPERIMENT_NAME` names, made if there is none."""
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        known = self._client.get_experiment_by_name(name)
        found = known.experiment_id if known else self._client.create_experiment(name, artifacts)
        return str(found)

    def _parent(self) -> Any:
        """Return the run of the whole, begun if it is not there."""
        if not self._notes.exists():
            write_text(self._notes, json.dumps({"key": uuid.uuid4().hex}))
        key = json.loads(self._notes.read_text(encoding="utf-8"))["key"]
        folder = {"lockgate.folder": str(self._out.resolve())}
        return self._find(key) or self._create(key, self._out.name, time.time(), folder)

    def _find(self, key: str) -> Any:
        found = self._client.search_runs([self._experiment], f"tags.`{KEY}` = '{key}'")
        return found[0] if found else None

    def _create(self, key: str, name: str, began: float, tags: Mapping[str, str]) -> Any:
        told = {KEY: key, **tags}
        return self._client.create_run(self._experiment, _ms(began), told, name)

    def _log_params(self, run: Any, config: Any) -> None:
        values = _flat(config.model_dump(mode="json"))
        new = [
            self._mlflow.entities.Param(name, str(value))
            for name, value in values.items()
            if name not in run.data.params
        ]
        for first in range(0, len(new), MOST_PARAMS):
            self._client.log_batch(run.info.run_id, params=new[first : first + MOST_PARAMS])

    def _log_metrics(self, run: Any, metrics: Sequence[Any]) -> None:
        for first in range(0, len(metrics), MOST_METRICS):
            self._client.log_batch(run.info.run_id, metrics=metrics[first : first + MOST_METRICS])


@contextmanager
def _no_news_of(name: str) -> Iterator[None]:
    """Let a logger tell warnings alone."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        inner = isinstance(value, Mapping) and value
        flat |= _flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return flat


def _line(error: Exception) -> str:
    """Return what went wrong on one line."""
    return shortened(" ".join(str(error).split()))


def _name(name: str) -> str:
    """Return a name with the marks alone that MLflow takes."""
    return re.sub(r"[^\w. :/-]", "_", name)


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
