"""Where jobs on folders run: in processes of this machine, or on a Ray cluster."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lockgate.errors import DataError
from lockgate.files import clear_half_written, new_folder
from lockgate.running.jobs import FolderJob, Place
from lockgate.running.local import default_workers, run_jobs
from lockgate.running.machine import device_kind
from lockgate.training.origin import warn_if_elsewhere


class Local(NamedTuple):
    """This process, or several of this machine side by side."""

    workers: int

    def run(self, jobs: Sequence[FolderJob]) -> Iterator[Path]:
        """Yield the folder of every job; see `Place.run`."""
        # a worker may have been started in another directory
        absolute = [
            job._replace(
                reads=tuple(path.absolute() for path in job.reads),
                writes=job.writes.absolute(),
                keeps=job.keeps and job.keeps.absolute(),
            )
            for job in jobs
        ]
        warn_if_elsewhere((job.keeps for job in absolute if job.keeps), threads=1)
        try:
            yield from run_jobs(write_folder, [(job,) for job in absolute], self.workers)
        except BaseException:
            # jobs that ran beside the one that failed were killed as they wrote
            for job in absolute:
                for path in filter(None, (job.writes, job.keeps)):
                    clear_half_written(path)
            raise


@contextlib.contextmanager
def open_place(
    device: str, *, workers: int | None, ray: str | None, gpus: float | None = None
) -> Iterator[Place]:
    """Yield where the jobs of a study run.

    Args:
        device: The setting `device` of a fit.
        workers: Jobs at a time; None for one for each core, or all that the cluster can take.
        ray: `"auto"` or the address `host:port` of a Ray cluster; None for this machine.
        gpus: Share of a GPU that a job is given on the cluster; None for a whole one, of a fit that
            runs on a GPU.

    Raises:
        DataError: If there is no such cluster, or its nodes have other versions.
    """
    if ray is None:
        if gpus is not None:
            raise DataError("gpus_per_fit must be left out without ray: it shares a cluster's GPUs")
        yield Local(workers or default_workers(device))
        return
    from lockgate.running.cluster import open_cluster  # Ray is an extra

    share = 0.0 if device == "cpu" or device_kind(device) == "cpu" else gpus or 1.0
    with open_cluster(ray, workers=workers, gpus=share) as cluster:
        yield cluster


def write_folder(job: FolderJob) -> Path:
    """Run a job here and keep its folder, whole or not at all."""
    # a process that outlived a killed study has finished the same job: it is the same
    with contextlib.suppress(FileExistsError), new_folder(job.writes) as folder:
        job.run(folder, *job.reads, *job.arguments, keeps=job.keeps)
    if job.keeps is not None:
        job.keeps.unlink(missing_ok=True)
    return job.writes
