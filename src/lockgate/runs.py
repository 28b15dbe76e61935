"""Runs that leave a fitted model: where they lie, how they begin, their fits, their scores."""

import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lockgate.errors import DataError, MissingSettingError
from lockgate.files import (
    DiskFullError,
    clear_half_written,
    is_half_written,
    new_folder,
    remove_folder,
)
from lockgate.progress import FitProgress, OnHistory, Steps
from lockgate.reading.samples import SAMPLE
from lockgate.running.local import default_workers
from lockgate.scoring.looks import count_look
from lockgate.settings import ConfigT, by_path, difference, read_settings, resolve
from lockgate.studies.delivery import DIVERGED, Fits, Member, deliver, is_single, side_by_side
from lockgate.studies.single import apart, look, score_delivery, score_parts, validated
from lockgate.tasks import registry
from lockgate.tasks.base import Fitted, Task
from lockgate.training.origin import warn_if_elsewhere

LOG = logging.getLogger(__name__)
ConfigSource = Mapping[str, Any] | str | Path | None
"""Settings as a file or a mapping."""


@contextmanager
def with_room_it_goes_on() -> Iterator[None]:
    """Say how to go on once a full disk has room again."""
    try:
        yield
    except DiskFullError as error:
        raise DiskFullError(f"{error}, and continue with resume=True (--resume)") from None


def resolved_run(
    source: Any,
    task: str | None,
    config: ConfigSource,
    named: Mapping[str, Any],
    kind: Callable[[Task], type[ConfigT]],
) -> tuple[Task, ConfigT]:
    """Choose the task and resolve its settings, from the least to the most explicit."""
    nested = read_settings(Path(config)) if isinstance(config, str | Path) else (config or {})
    given = {name: value for name, value in named.items() if value is not None}
    of_data = nested.get("data", {})
    names = [*nested, *(of_data if isinstance(of_data, Mapping) else ()), *given]
    chosen = registry.suitable(source, names, task)
    LOG.info("task: %s", chosen.name)
    layers = chosen.defaults(source), nested, given
    missing = chosen.missing(source, by_path(kind(chosen), *layers))
    if missing is not None:
        raise MissingSettingError(" ".join(missing.lines), missing.rows)
    return chosen, resolve(kind(chosen), *layers)


def default_out(source: Any, subject: str) -> Path:
    """Return `runs/<table>-<subject>`, spelled so that any file system and shell takes it."""
    name = "table"
    if isinstance(source, str | Path):
        name = Path(str(source).removeprefix(SAMPLE)).name.split(".")[0]
    return Path("runs") / (re.sub(r"[^\w.]+", "-", f"{name}-{subject}").strip("-.") or "table")


def begin_training(folder: Path, checkpoints: Path, config: Any, *, resume: bool) -> Fitted | None:
    """Return the model of a training that was killed after it was written; else make way for one.

    Raises:
        DataError: If the folder holds something else, or a training has begun that only `resume`
            continues.
    """
    if _holds_something(folder):
        if not resume or not (folder / "config.yaml").exists():
            check_new(folder)
        there, here = read_settings(folder / "config.yaml"), config.model_dump(mode="json")
        if (differs := difference(there, here)) is not None:
            raise DataError(
                f"out must be a new folder or that of this training, got {folder}, which holds "
                f"another: {differs}; pass another out (--out)"
            )
        remove_folder(checkpoints)
        return registry.load(folder)
    if checkpoints.exists() and not resume:
        raise DataError(
            f"out must be a new folder, got {folder}, whose training has not ended: pass "
            f"resume=True (--resume) to continue it, or delete {checkpoints} to begin anew"
        )
    for path in (folder, checkpoints):
        clear_half_written(path)
    for path in filter(is_half_written, checkpoints.glob(".*")):
        path.unlink()
    return None


def _holds_something(folder: Path) -> bool:
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


def check_new(folder: Path) -> None:
    """Refuse a folder that holds something, or a file in its place."""
    if _holds_something(folder):
        raise DataError(f"out must be a new folder, got {folder}: pass another out (--out)")


def fit_and_score(
    task: Task,
    data: Any,
    prepared: Any,
    config: Any,
    folder: Path,
    checkpoints: Path,
    on_history: OnHistory,
) -> Fitted:
    """Do the fits of a training, look at the test part, and return the model with its scores.

    `on_history` is told the name, the settings and the history of each fit that is done.

    Raises:
        DataError: If it diverged.
    """
    with FitProgress(config.training.max_epochs) as progress:
        if single := is_single(task, config):
            checkpoint = checkpoints / "train-0.safetensors"
            warn_if_elsewhere([checkpoint])
            on_epoch = progress.on_fit(1, 1, "fit")
            fitted, history = task.train(prepared, config, on_epoch=on_epoch, checkpoint=checkpoint)
            if not history.best_epoch:
                raise DataError(DIVERGED)
            on_history("fits/train-0", config, history)
        else:
            workers = default_workers(config.training.device)
            fits = side_by_side(task, prepared, workers, progress.on_fit, checkpoints)

            def fit_all(members: Sequence[Member]) -> Fits:
                done = fits(members)
                # fewer where they were interrupted
                for member, (_, history) in zip(members, done, strict=False):
                    on_history(f"fits/{member.name}", member.config, history)
                return done

            delivery = deliver(task, data, prepared, config, fit_all)
    settings_hash = hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:16]
    what = f"train {folder.name} {settings_hash}"
    looks = count_look(folder.parent, task.test_fingerprint(data, prepared), what)
    with Steps() as steps:
        steps.on_step("fitting baselines")
        if single:
            scored = score_parts(task, data, prepared, fitted, history, looks)
        else:
            tested = look(task, data, prepared, delivery.fitted, delivery.compared, looks)
            delivered = apart(task, prepared, delivery, tested, config.training.metric)
            seen = validated(task, data, prepared, delivery)
            scored = score_delivery(task, data, prepared, delivery, delivered, seen, tested)
    return scored


@contextmanager
def written_new(folder: Path) -> Iterator[Path]:
    """Give the folder that takes the place of a new one when the block ends well.

    Raises:
        DataError: If there is something in its place.
    """
    try:
        with new_folder(folder) as temporary:
            yield temporary
    except FileExistsError as error:
        raise DataError(f"out must be a new folder: {error}") from None
