"""How much of what trials differ in is the work of each setting."""

from collections.abc import Sequence

from lockgate.tuning.optional import optuna, told_little
from lockgate.tuning.sampler import as_frozen, distributions
from lockgate.tuning.space import Space
from lockgate.tuning.trial import Trial

LEAST_TRIALS = 8
"""Of fewer complete trials a forest tells nothing."""


def importances(space: Space, trials: Sequence[Trial]) -> dict[str, float]:
    """Return the share of each setting by its path; nothing where too few trials tell.

    It is functional ANOVA of a random forest over the trials that were judged on every fold
    (Hutter, Hoos and Leyton-Brown 2014), as Optuna has it: what a setting explains by itself.
    """
    complete = [trial for trial in trials if trial.state == "complete"]
    if len(complete) < LEAST_TRIALS or len({trial.change for trial in complete}) < 2:
        return {}
    all_of, optuna_ = distributions(space), optuna()
    with told_little():
        study = optuna_.create_study()
        for trial in complete:
            study.add_trial(as_frozen(trial, all_of))
        evaluator = optuna_.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna_.importance.get_param_importances(study, evaluator=evaluator)
    return {path: float(found[path]) for path in space if path in found}
