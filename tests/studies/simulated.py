"""Studies drawn from a known truth, as tables of scores, and how often the rule errs on them.

`scripts/simulate_rule` runs every setting here with thousands of studies and writes docs/rule.md;
the tests run some of them with hundreds.
"""

import dataclasses
import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from scipy.signal import lfilter

from lockgate.studies.evidence import Table
from lockgate.studies.looks import LookPlan
from lockgate.studies.rule import PairVerdict, judge_table, resting, stop

BLOCKS = 6  # of a fold
SMALLEST = math.log(1.02)
CELLS = ("rnn", "lstm", "gru")
BUILT_ON_A_CELL = ("input", "recurrent", "both", "stacked", "bidirectional")
DROPOUT = ("input", "both", "stacked+both")
RUNGS = (*CELLS, *BUILT_ON_A_CELL, "stacked+both")
NONE = (0.0,) * 6
MIXED = tuple(-math.log1p(percent / 100) for percent in (0, 1, 2, 2.1, 3, 5))


@dataclass(frozen=True)
class Setting:
    """How a study comes about; standard deviations are those of log scores.

    Args:
        effects: True effects of the six pairs, as log ratios.
        spread: Standard deviation of true effects, drawn for each study beside `effects`.
        rounds: Of the plan.
        closed: Rounds after which its time is over, 0 where there is time for all.
        resumed: Rounds that it is resumed to, one after the other.
        rests: Rungs rest, and the study stops, as the rule says.
        fits: Noise of a fit.
        noisy: A rung whose fits have `noisier` times that.
        of: How many folds there are.
        folds: What a fold adds to a rung.
        shared: Correlation of that between folds, of training rows that they share.
        uneven: By how many times more folds move some rungs than others: those with dropout.
        alike: Correlation of the rest with that of the next fold.
        rows: What a thirtieth of the rows, a block of five folds, adds to a pair.
        heavy: Noise has the tails of t with 3 degrees of freedom.
        memory: Correlation of a block with the next.
        chosen: Whether the cell is chosen, by other fits that are judged on the same rows.
        anew: Whether folds are drawn anew in each pass, as of labels.
    """

    effects: tuple[float, ...] = NONE
    spread: float = 0.0
    rounds: int = 10
    closed: int = 0
    resumed: tuple[int, ...] = ()
    rests: bool = False
    fits: float = 0.02
    noisy: str = ""
    noisier: float = 3.0
    of: int = 5
    folds: float = 0.0
    shared: float = 0.0
    uneven: float = 1.0
    alike: float = 0.0
    rows: float = 0.03
    heavy: bool = False
    memory: float = 0.0
    chosen: bool = True
    anew: bool = False

    @property
    def plan(self) -> LookPlan:
        """The looks, with every resumption."""
        plan = LookPlan.planned(self.of, self.rounds)
        plan = plan.closed(self.closed) if self.closed else plan
        for rounds in self.resumed:
            plan = plan.resumed(rounds)
        return plan


CALM = Setting(fits=0.007, rows=0.015, rounds=20)
LABELS = Setting(anew=True)
LOUD_PARENT = Setting(noisy="lstm", chosen=False, rows=0.01)
DIFFERENT_FOLDS = Setting(folds=0.01, shared=0.2, rounds=30)
LIKE_THE_NEXT = Setting(folds=0.01, alike=0.5, rounds=30)
MOSTLY_FOLDS = Setting(folds=0.02, shared=0.2, fits=0.01, rows=0.01)
ALL_AT_ONCE = Setting(
    *(MIXED, 0.0, 20, 0, (30,)),
    rests=True,
    noisy="both",
    folds=0.01,
    shared=0.2,
    rows=0.05,
    heavy=True,
    memory=0.3,
)
OF_TEN_FOLDS = {
    "no effect, 10 rounds": Setting(),
    "no effect, 30 rounds": Setting(rounds=30),
    "no effect, time for 20 of 30 rounds": Setting(rounds=30, closed=20),
    "no effect, noisy rows": Setting(rows=0.10),
    "no effect, calm": CALM,
    "a rung of 3 times the noise": Setting(noisy="recurrent", rows=0.01),
    "a parent of 3 times the noise": LOUD_PARENT,
    "a parent of 1.5 times the noise, 10 rounds": dataclasses.replace(LOUD_PARENT, noisier=1.5),
    "folds differ": Setting(folds=0.01, rounds=20),
    "folds differ, shared training rows": DIFFERENT_FOLDS,
    "the same, 10 rounds": dataclasses.replace(DIFFERENT_FOLDS, rounds=10),
    "folds differ, for some rungs by more": dataclasses.replace(
        DIFFERENT_FOLDS, folds=0.006, uneven=4.0
    ),
    "folds like the next": LIKE_THE_NEXT,
    "folds like the next, 10 rounds": dataclasses.replace(LIKE_THE_NEXT, rounds=10),
    "folds differ more than fits, 10 rounds": MOSTLY_FOLDS,
    "folds differ more than fits, 20 rounds": dataclasses.replace(MOSTLY_FOLDS, rounds=20),
    "the same, and much like the next": dataclasses.replace(
        MOSTLY_FOLDS, shared=0.0, alike=0.7, rounds=20
    ),
    "heavy tails": Setting(heavy=True),
    "dependent windows": Setting(memory=0.4, rows=0.06, rounds=30),
    "stopped and resumed twice": Setting(
        fits=0.01, rows=0.02, rounds=10, resumed=(20, 30), rests=True
    ),
    "half of the smallest": dataclasses.replace(CALM, effects=(-0.5 * SMALLEST,) * 6),
    "exactly the smallest": dataclasses.replace(CALM, effects=(-SMALLEST,) * 6),
    "just beyond the smallest": dataclasses.replace(CALM, effects=(1.05 * SMALLEST,) * 6),
    "exactly the smallest, 10 rounds": dataclasses.replace(
        CALM, effects=(SMALLEST,) * 6, rounds=10
    ),
    "mixed effects, all at once": ALL_AT_ONCE,
}
OF_FIVE_FOLDS = {
    "no effect, 5 rounds": Setting(rounds=5),
    "a parent of 1.5 times the noise, 5 rounds": dataclasses.replace(
        LOUD_PARENT, rounds=5, noisier=1.5
    ),
    "5 folds differ, shared training rows": DIFFERENT_FOLDS,
    "5 folds differ more than fits, 5 rounds": dataclasses.replace(MOSTLY_FOLDS, rounds=5),
    "labels": LABELS,
    "labels, noisy rows, folds differ": dataclasses.replace(LABELS, rows=0.10, folds=0.01),
    "labels, a parent of twice the noise": dataclasses.replace(LOUD_PARENT, anew=True, noisier=2.0),
}
SETTINGS = {
    name: dataclasses.replace(setting, of=10) for name, setting in OF_TEN_FOLDS.items()
} | OF_FIVE_FOLDS
POWER = {
    f"{rounds} rounds, fits {fits:.1%}, blocks {rows:.0%}": Setting(
        MIXED, rounds=rounds, of=min(rounds, 10), fits=fits, rows=rows
    )
    for fits, rows in ((0.02, 0.03), (0.01, 0.03), (0.02, 0.10))
    for rounds in (5, 10, 20, 30)
}
CHANCES = {
    "effects of 2 %": Setting(spread=0.02, of=10),
    "effects of 1 %, heavy tails": Setting(spread=0.01, heavy=True, of=10),
    "effects of 3 %, noisy rows": Setting(spread=0.03, rows=0.10, rounds=20, of=10),
    "effects of 2 %, labels": dataclasses.replace(LABELS, spread=0.02, fits=0.03),
}


@dataclass
class Tally:
    """What became of some studies.

    Args:
        studies: How many.
        wrong: Studies with a wrong verdict of any kind.
        outcomes: For each of the six pairs, how often it had each outcome.
        told: For each open pair the chance that it helps, and whether it does.
    """

    studies: int = 0
    wrong: int = 0
    outcomes: list[Counter[str]] = field(default_factory=lambda: [Counter() for _ in range(6)])
    told: list[tuple[float, bool]] = field(default_factory=list)

    def add(self, verdicts: tuple[PairVerdict, ...], truth: list[float]) -> None:
        """Count a study."""
        self.studies += 1
        self.wrong += any(is_wrong(v, true) for v, true in zip(verdicts, truth, strict=True))
        for counter, verdict in zip(self.outcomes, verdicts, strict=True):
            counter[verdict.outcome] += 1
        self.told += [
            (verdict.chance, true < 0.0)
            for verdict, true in zip(verdicts, truth, strict=True)
            if verdict.chance is not None
        ]

    @property
    def share(self) -> float:
        """The share of studies with a wrong verdict."""
        return self.wrong / self.studies

    @property
    def error(self) -> float:
        """The standard error of that share."""
        return math.sqrt(self.share * (1.0 - self.share) / self.studies)

    def right_of(self, low: float, high: float) -> tuple[float, int]:
        """Return how often what was told to be `low` to `high` likely was so, and of how many.

        A pair told to help with 30 % is one told not to help with 70 %.
        """
        both = [*self.told, *((1.0 - chance, not helps) for chance, helps in self.told)]
        told = [helps for chance, helps in both if low <= chance < high]
        return sum(told) / max(len(told), 1), len(told)


def is_wrong(verdict: PairVerdict, true: float) -> bool:
    """Tell whether a verdict says what is not so; an open one says nothing."""
    return {
        "helps": true >= 0.0,
        "hurts": true <= 0.0,
        "no difference": abs(true) >= SMALLEST * (1.0 - 1e-9),
        "no gain": true <= -SMALLEST * (1.0 - 1e-9),
    }.get(verdict.outcome, False)


def tally(setting: Setting, studies: int, random_state: int = 0) -> Tally:
    """Draw studies and judge them."""
    rng = np.random.default_rng(random_state)
    result = Tally()
    for _ in range(studies):
        drawn = rng.normal(size=6) * setting.spread
        truth = [effect + more for effect, more in zip(setting.effects, drawn, strict=True)]
        table, pairs = draw(rng, setting, truth)
        result.add(follow(table, pairs, setting), truth)
    return result


def follow(table: Table, pairs: list[tuple[str, str]], setting: Setting) -> tuple[PairVerdict, ...]:
    """Judge a study; if rungs rest, pass by pass, so that later passes lack what rests."""
    if not setting.rests:
        return judge_table(table, pairs, setting.plan, SMALLEST)
    logs, moves = table.logs.copy(), table.moves.copy()
    for passes in range(1, len(logs) + 1):
        seen = dataclasses.replace(
            table, logs=logs[:passes], moves=moves[:passes], numbers=table.numbers[:passes]
        )
        verdicts = judge_table(seen, pairs, setting.plan, SMALLEST)
        if stop(verdicts):
            break
        rests = [RUNGS.index(rung) for rung in resting(verdicts)]
        logs[passes:, :, rests] = np.nan
        moves[passes:, :, rests] = np.nan
    return verdicts


def draw(
    rng: np.random.Generator, setting: Setting, truth: list[float]
) -> tuple[Table, list[tuple[str, str]]]:
    """Draw the table of a study and its declared pairs."""
    passes = len(setting.plan.looks)
    scale = np.full(len(RUNGS), setting.fits)
    if setting.noisy:
        scale[RUNGS.index(setting.noisy)] *= setting.noisier
    rounds = 0.05 * rng.normal(size=(passes, setting.of, 1))
    rows, moves = (_rows_anew if setting.anew else _rows_of_folds)(rng, setting, passes)
    folds = _folds(rng, setting, passes)
    cell = "lstm"
    if setting.chosen:
        luck = (rows + folds).mean(axis=(0, 1))
        luck += scale * _noise(rng, setting, len(RUNGS)) / math.sqrt(setting.of)
        cell = CELLS[int(np.argmin(luck[: len(CELLS)]))]
    pairs = [(rung, cell) for rung in BUILT_ON_A_CELL] + [("stacked+both", "stacked")]
    level = dict.fromkeys(CELLS, 0.0)
    for (rung, parent), effect in zip(pairs, truth, strict=True):
        level[rung] = level[parent] + effect
    logs = np.array([level[rung] for rung in RUNGS]) + rounds + rows + folds
    logs += scale * _noise(rng, setting, passes, setting.of, len(RUNGS))
    stretches = np.zeros(setting.of * BLOCKS, int) if setting.anew else _places(setting)
    numbers = np.arange(passes * setting.of).reshape(passes, setting.of)
    return Table(RUNGS, logs, moves, numbers, stretches, fixed=not setting.anew), pairs


def _noise(rng, setting, *shape):
    """Draw noise of variance 1."""
    return rng.standard_t(3, shape) / math.sqrt(3.0) if setting.heavy else rng.normal(size=shape)


def _after_another(rng, setting, memory, *shape):
    """Draw noise of variance 1, each of the last axis correlated with the next by `memory`."""
    if not memory:
        return _noise(rng, setting, *shape)
    before = 20
    noise = _noise(rng, setting, *shape[:-1], before + shape[-1])
    fresh = math.sqrt(1.0 - memory**2)
    return lfilter([fresh], [1.0, -memory], noise)[..., before:]


def _places(setting):
    return np.repeat(np.arange(setting.of), BLOCKS)


def _folds(rng, setting, passes):
    """Draw what folds add to rungs, `(passes, folds, G)`."""
    if setting.anew:
        return setting.folds * _noise(rng, setting, passes, setting.of, len(RUNGS))
    own, common = math.sqrt(1.0 - setting.shared), math.sqrt(setting.shared)
    noise = own * _after_another(rng, setting, setting.alike, 1, len(RUNGS), setting.of)
    noise = noise.swapaxes(1, 2) + common * _noise(rng, setting, 1, 1, len(RUNGS))
    noise = noise * np.array([setting.uneven if rung in DROPOUT else 1.0 for rung in RUNGS])
    return np.broadcast_to(setting.folds * noise, (passes, setting.of, len(RUNGS)))


def _rows_of_folds(rng, setting, passes):
    """Draw what the rows add to scores, and the moves of blocks, where folds stay."""
    of = setting.of
    noise = _after_another(rng, setting, setting.memory, len(RUNGS), of * BLOCKS)
    blocks = noise.reshape(-1, of, BLOCKS) * setting.rows * math.sqrt(of / 5.0 / 2.0)
    scores = blocks.mean(axis=2)  # (G, folds)
    moves = np.zeros((of, len(RUNGS), of, BLOCKS))
    for fold in range(of):
        moves[fold, :, fold] = (blocks[:, fold] - scores[:, fold, None]) / BLOCKS
    moves = moves.reshape(of, len(RUNGS), -1)
    return (
        np.broadcast_to(scores.T, (passes, *scores.T.shape)),
        np.broadcast_to(moves, (passes, *moves.shape)),
    )


def _rows_anew(rng, setting, passes):
    """Draw what the rows add to scores, and the moves of blocks, where folds are drawn anew."""
    of_a_block = 10
    count = setting.of * BLOCKS * of_a_block
    scale = setting.rows * math.sqrt(of_a_block / 2.0)
    rows = scale * _noise(rng, setting, len(RUNGS), count)
    scores = np.zeros((passes, setting.of, len(RUNGS)))
    moves = np.zeros((passes, setting.of, len(RUNGS), setting.of * BLOCKS))
    for one_pass in range(passes):
        for fold, judged in enumerate(rng.permutation(count).reshape(setting.of, -1)):
            scores[one_pass, fold] = rows[:, judged].mean(axis=1)
            parts = np.zeros((len(RUNGS), count))
            parts[:, judged] = rows[:, judged] - scores[one_pass, fold][:, None]
            parts = parts.reshape(len(RUNGS), -1, of_a_block).sum(axis=2)
            moves[one_pass, fold] = parts / len(judged)
    return scores, moves
