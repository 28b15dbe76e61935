"""What the picture of learning rates says, in sentences."""

from collections.abc import Iterator

from lockgate.training.sweep import Sweep
from lockgate.tuning.steepest import Suggestion


def rate_words(swept: Sweep, suggestion: Suggestion | None, rate: float) -> Iterator[str]:
    """Say what the picture suggests beside what is set, how it was seen, and what judges it.

    Args:
        swept: What was seen.
        suggestion: What it suggests; None if nothing.
        rate: What `training.learning_rate` is set to.
    """
    is_set = f"training.learning_rate is {in_words(rate)}"
    if suggestion is None:
        yield (
            f"{is_set}; the picture suggests none: nowhere does the loss fall beyond its noise. "
            "More batches (`--batches`) may tell."
        )
    else:
        low, best, high = map(in_words, suggestion)
        yield f"{is_set}; the picture suggests {low} to {high}."
        yield (
            f"The loss falls fastest at {best}, and at least half as fast from {low} to {high}; "
            f"{_place(rate, suggestion)}."
        )
    first, last = in_words(swept.rates[0]), in_words(swept.rates[-1])
    ended = f"where it diverged, at {last}" if swept.diverged else f"at {last}, not diverged"
    yield (
        f"The sweep began at {first} and ended {ended}, after {len(swept.rates):,} batches "
        f"({swept.epochs:.2g} times the training part)."
    )
    yield (
        "A suggestion, not a verdict: it is the training loss of one short run with one seed, and "
        "what learns fastest at first is not always what generalises best. A study or "
        f"`lockgate tune{_space(suggestion)}` judges."
    )


def in_words(rate: float) -> str:
    """Tell a rate in two digits, without an exponent where it is short.

    Example:
        >>> in_words(0.00316), in_words(0.00001), in_words(1.0), in_words(2.54e-5)
        ('0.0032', '1e-05', '1', '2.5e-05')
    """
    return f"{rate:.2g}"


def _place(rate: float, suggestion: Suggestion) -> str:
    if rate < suggestion.low:
        return f"what is set is {in_words(suggestion.low / rate)} times lower"
    if rate > suggestion.high:
        return f"what is set is {in_words(rate / suggestion.high)} times higher"
    return "what is set lies in it"


def _space(suggestion: Suggestion | None) -> str:
    if suggestion is None:
        return ""
    low, high = in_words(suggestion.low), in_words(suggestion.high)
    return f" --space learning_rate={low},{high},log" if low != high else ""
