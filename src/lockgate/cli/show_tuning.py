"""What `lockgate tune` prints."""

from lockgate.cli.show import show_values
from lockgate.errors import count_of
from lockgate.tuning.plan import TunePlan
from lockgate.tuning.search import CANDIDATES
from lockgate.tuning.space import written
from lockgate.tuning.spelling import spelled


def show_plan(plan: TunePlan) -> None:
    """Print on standard error what a search will learn from and try."""
    study = plan.study
    config, space = study.config, written(plan.space)
    values = {
        **study.task.planned(study.data, study.prepared),
        "space": [spelled(path.rpartition(".")[2], space[path]) for path in space],
        "trials": f"at most {config.trials} over {count_of(len(study.folds.folds), 'fold')}, "
        f"{study.workers} side by side",
        "then": f"the best {min(CANDIDATES, config.trials)} again beside the default, in at most "
        f"{config.rounds} rounds",
        "budget": config.budget,
        "advice": list(plan.advice) or "none",
    }
    show_values(values, stderr=True)
