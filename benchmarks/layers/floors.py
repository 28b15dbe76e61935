"""What is held and what is aimed at, by what is measured."""

from typing import NamedTuple


class Goal(NamedTuple):
    """A bound that is held, and one that is aimed at."""

    floor: float
    aim: float
    most: bool = False  # whether they bound from above

    def missed(self, value: float) -> bool:
        """Tell whether a value breaks the floor."""
        return value > self.floor if self.most else value < self.floor

    def __str__(self) -> str:
        sign = "≤" if self.most else "≥"
        return f"{sign} {self.floor:g} ({self.aim:g})"


# seconds of torch's over ours: LSTM and RNN by whether H <= 128
TRAIN = {"lstm": (Goal(1.3, 2.0), Goal(1.0, 1.15)), "rnn": (Goal(1.0, 1.0), Goal(1.0, 1.0))}
INFERENCE = {"lstm": (Goal(1.0, 1.3), Goal(1.0, 1.1)), "rnn": (Goal(1.0, 1.0), Goal(1.0, 1.0))}
LOOP = (Goal(3.0, 5.0), Goal(2.0, 2.5))
STREAM = {64: Goal(2.0, 3.0), 128: Goal(2.0, 3.0), 256: Goal(1.7, 2.5), 512: Goal(1.4, 1.7)}
ONNX = Goal(1.0, 1.0)
NO_PAGE_FAULTS = 0.9
# seconds with masks over those without
MASKED = {"cell": Goal(1.05, 1.0, most=True), "gate": Goal(1.15, 1.0, most=True)}
DRAWING = Goal(0.03, 0.01, most=True)  # share of the train step
# seconds without masks over those with masks that a batch shares, where H >= 256
SHARED = {
    "cell-0.5": Goal(1.5, 1.8),
    "gate-0.5": Goal(1.3, 1.5),
    "cell-0.25": Goal(1.2, 1.3),
    "gate-0.25": Goal(1.0, 1.1),
}
SHARED_SMALL = Goal(0.97, 1.0)  # masks for each sample over those that are shared, where H <= 64
# seconds in float32 over those under autocast to bfloat16, by whether H >= 256; and over torch's
BFLOAT16 = (Goal(1.0, 1.2), Goal(1.4, 1.8))
PEAK = {"train": Goal(0.65, 0.8), "inference": Goal(0.75, 0.85)}  # where H >= 256


def train(cell: str, H: int) -> Goal:
    """Give the goal of a train step against torch's layer."""
    if cell == "gru":
        floor = 2.5 if H <= 256 else 2.2 if H <= 512 else 2.0
        return Goal(floor, 4.0 if H < 256 else 2.8)
    return TRAIN[cell][H > 128]


def inference(cell: str, H: int) -> Goal:
    """Give the goal of a forward against torch's layer."""
    if cell == "gru":
        return Goal(2.5, 4.0 if H <= 256 else 3.0)
    return INFERENCE[cell][H > 128]


def loop(H: int) -> Goal:
    """Give the goal against the loop over time."""
    return LOOP[H > 128]
