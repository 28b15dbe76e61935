"""What an open pair may come to: the chance that it helps, and the rounds that would decide it."""

import math

from scipy import special

from lockgate.studies.chance import Effect

PRIOR = 0.02  # standard deviation of effects, as log ratios, before any is seen
MOST_ROUNDS = 10_000  # rounds beyond are as good as endless
NOISE_RANGE = (0.1, 0.9)  # quantiles of the noise of fits, for the range of rounds needed


def chance_it_helps(effect: Effect) -> float:
    """Return the probability that the true effect is below 0.

    Before anything is seen, effects are taken to vary around 0 as a normal distribution of standard
    deviation `PRIOR`, which shrinks what is seen: a pair is as likely to hurt as to help, and few
    tricks give more than some per cent.
    """
    if not effect.variance:
        return 0.5 if effect.d == 0.0 else float(effect.d < 0.0)
    shrunk = PRIOR / math.sqrt(PRIOR**2 + effect.variance)
    return float(special.ndtr(-shrunk * effect.d / math.sqrt(effect.variance)))


def needed_rounds(effect: Effect, level: float, smallest: float) -> tuple[int, int] | None:
    """Return a range of further rounds that decide a pair if its effect is as it looks.

    The range is that of the noise of fits, which is estimated: its 80 % interval. None where no
    number of rounds decides the pair.
    """
    dof = min((part.dof for part in effect.fits), default=math.inf)
    needed = []
    for quantile in NOISE_RANGE:
        noise = dof / float(special.chdtri(dof, quantile)) if math.isfinite(dof) else 1.0
        rounds = _enough(effect, noise, level, smallest)
        if rounds is None:
            return None
        needed.append(max(rounds - effect.rounds, 1))
    return min(needed), max(needed)


def rows_limit(effect: Effect, level: float, smallest: float) -> bool:
    """Tell whether endless rounds would not decide a pair: its rows and folds are too noisy.

    Neither if the effect is as it looks nor if it is a standard error of the fits away.
    """
    half = effect.after(math.inf).half_width(level)
    error = math.sqrt(sum(part.variance for part in effect.fits))
    if effect.d + error - half > -smallest:
        return False
    return abs(effect.d) + error <= half and max(abs(effect.d) - error, 0.0) + half >= smallest


def _enough(effect: Effect, noise: float, level: float, smallest: float) -> int | None:
    """Return the least rounds, no fewer than there are, that decide a pair."""

    def decided(rounds: int) -> bool:
        later = effect.after(rounds, noise)
        return later.is_below_zero(level) or later.gains_less(smallest, level)

    low, high = effect.rounds, MOST_ROUNDS
    if not decided(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle + 1, high)
    return high
