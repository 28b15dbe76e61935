"""What the examples share: a network, its training, the table they print and the plot."""

import argparse
import json
import math
import multiprocessing
import platform
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from lockgate.nn import GRU, LSTM, RNN, Reach, gradient_reach

CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
LEARNED = 0.1  # of the baseline's loss
SOLVED = 0.01  # of the baseline's loss, where training ends
HELD_OUT = 1_000  # sequences that no network is trained on
REACH_SAMPLE = 64  # of them, on which the reach of the gradient is measured
CLIP_NORM = 1.0
COLOURS = {"rnn": "#b4570a", "lstm": "#0f62b0", "gru": "#0d8578"}


class Task(Protocol):
    """Sequences that are drawn, and how an answer to them is judged."""

    @property
    def inputs(self) -> int:
        """Features of a step."""

    @property
    def outputs(self) -> int:
        """Numbers that the network gives at each step."""

    @property
    def baseline(self) -> float:
        """Loss of the best answer that remembers nothing."""

    def draw(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw sequences, (batch, time, inputs), and what is to be answered."""

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Judge the output, (batch, time, outputs)."""


class Settings(NamedTuple):
    """How a network is made and trained."""

    steps: int
    hidden_size: int
    learning_rate: float
    batch_size: int


class Run(NamedTuple):
    """What became of one network."""

    cell: str
    seed: int
    steps: int
    loss: float
    share: float  # of the baseline's loss
    learned: bool
    seconds: float
    curve: list[tuple[int, float]]  # steps and share of the baseline's loss
    before: Reach
    after: Reach


class Network(nn.Module):
    """A recurrent layer, and a linear head at every step."""

    def __init__(self, cell: str, task: Task, hidden_size: int) -> None:
        super().__init__()
        self.layer = CELLS[cell](task.inputs, hidden_size, batch_first=True, init="keras")
        self.head = nn.Linear(hidden_size, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, time, inputs) to (batch, time, outputs)."""
        output: Tensor = self.head(self.layer(x)[0])
        return output


def train(task: Task, cell: str, seed: int, settings: Settings) -> Run:
    """Train one network on sequences that are drawn anew at every step."""
    torch.set_num_threads(1)  # the steps are too small to share between cores
    began = time.perf_counter()
    torch.manual_seed(seed)
    network = Network(cell, task, settings.hidden_size)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    generator = torch.Generator().manual_seed(seed)
    held_out = task.draw(HELD_OUT, torch.Generator().manual_seed(2**31))
    sample = held_out[0][:REACH_SAMPLE]
    before = gradient_reach(network, sample, batch_first=True)
    curve: list[tuple[int, float]] = []
    for step in range(1, settings.steps + 1):
        x, y = task.draw(settings.batch_size, generator)
        loss = task.loss(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
        optimizer.step()
        if step % max(1, min(250, settings.steps // 8)) == 0 or step == settings.steps:
            curve.append((step, judge(task, network, held_out) / task.baseline))
            if curve[-1][1] < SOLVED:
                break
    step, share = curve[-1]
    after = gradient_reach(network, sample, batch_first=True)
    seconds = time.perf_counter() - began
    loss_left, learned = share * task.baseline, share < LEARNED
    return Run(cell, seed, step, loss_left, share, learned, seconds, curve, before, after)


def judge(task: Task, network: Network, held_out: tuple[Tensor, Tensor]) -> float:
    """Return the loss over the sequences that are held out."""
    x, y = held_out
    with torch.no_grad():
        return float(task.loss(network(x), y))


def train_all(
    task: Task, cells: Sequence[str], seeds: int, settings: Settings, processes: int
) -> Iterator[Run]:
    """Train every cell with every seed, several side by side; yield them in order."""
    calls = [(task, cell, seed, settings) for cell in cells for seed in range(seeds)]
    if processes == 1:
        yield from (train(*call) for call in calls)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(train, *zip(*calls, strict=True))


def parser(
    description: str, defaults: Settings, lag: int, lag_help: str
) -> argparse.ArgumentParser:
    """Make the options that both examples have."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def add(name: str, text: str, **more: Any) -> None:
        told = "" if more.get("default") is None else " (default: %(default)s)"
        made.add_argument(name, help=text + told, **more)

    def number(name: str, default: float, text: str) -> None:
        add(name, text, type=type(default), default=default, metavar="N")

    every = ", ".join(CELLS)
    add(
        "--cell",
        f"networks to train, of {every} (default: all)",
        nargs="+",
        choices=list(CELLS),
        metavar="CELL",
    )
    number("--lag", lag, lag_help)
    number(
        "--steps",
        defaults.steps,
        "most steps of training; it ends where the loss falls under "
        f"{100 * SOLVED:g} %% of the baseline's",
    )
    number("--seeds", 1, "networks of each cell, with other first weights and sequences")
    number("--hidden-size", defaults.hidden_size, "width of the state")
    number("--learning-rate", defaults.learning_rate, "of Adam")
    number("--batch-size", defaults.batch_size, "sequences of a step")
    number("--processes", 2, "networks trained side by side, on one thread each")
    add("--out", "JSON file to write every number to", type=Path, metavar="FILE")
    add(
        "--plot",
        "HTML file to draw losses and gradients in; needs plotly",
        type=Path,
        metavar="FILE",
    )
    add(
        "--quick",
        "a few steps of small networks: shows that it runs, and nothing else",
        action="store_true",
    )
    return made


def check(made: argparse.ArgumentParser, arguments: argparse.Namespace, least_lag: int) -> None:
    """End the script with a message where an option cannot be used."""
    for name in ("steps", "seeds", "hidden_size", "batch_size", "processes"):
        if (value := getattr(arguments, name)) < 1:
            made.error(f"{name.replace('_', '-')} must be at least 1, got {value}")
    if arguments.lag < least_lag:
        made.error(f"lag must be at least {least_lag}, got {arguments.lag}")
    if not 0.0 < arguments.learning_rate < math.inf:
        made.error(f"learning-rate must be above 0 and finite, got {arguments.learning_rate}")
    if arguments.plot and find_spec("plotly") is None:
        made.error('plot needs plotly: pip install "lockgate[workbench]"')


def main(task: Task, arguments: argparse.Namespace, title: str) -> None:
    """Train what the options ask for; print it, write it, draw it."""
    settings = Settings(
        arguments.steps, arguments.hidden_size, arguments.learning_rate, arguments.batch_size
    )
    if arguments.quick:
        settings = settings._replace(steps=min(settings.steps, 8), hidden_size=8, batch_size=8)
    print(f"{title}; {settings.hidden_size} units, at most {settings.steps} steps")
    print(f"baseline: a loss of {task.baseline:.4f}, of an answer that remembers nothing\n")
    print("cell  seed   steps     loss  of baseline  learned  seconds", flush=True)
    runs = []
    processes = 1 if arguments.quick else arguments.processes
    cells = arguments.cell or list(CELLS)
    for run in train_all(task, cells, arguments.seeds, settings, processes):
        runs.append(run)
        print(
            f"{run.cell:<6}{run.seed:>4}{run.steps:>8}{run.loss:>9.4f}{run.share:>12.1%}   "
            f"{'yes' if run.learned else 'no':<7}{run.seconds:>9.0f}",
            flush=True,
        )
    print(f"\nlearned: a loss under {LEARNED:.0%} of the baseline's")
    print("gradient of the last output, from the last step of the input to the first:")
    for run in runs:
        print(f"{run.cell:<6}{run.seed:>4}  before training  {run.before}")
        print(f"{'':<10}  after            {run.after}")
    if arguments.out:
        write(arguments.out, title, task, settings, runs)
    if arguments.plot:
        plot(arguments.plot, title, runs)


def write(path: Path, title: str, task: Task, settings: Settings, runs: list[Run]) -> None:
    """Write every number as JSON."""
    content = {
        "title": title,
        "baseline": task.baseline,
        "settings": settings._asdict(),
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "runs": [
            {**run._asdict(), "before": run.before._asdict(), "after": run.after._asdict()}
            for run in runs
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def plot(path: Path, title: str, runs: list[Run]) -> None:
    """Draw how the losses fell, and how far back the gradients reach, as a page of its own."""
    from plotly.graph_objects import Figure, Scatter
    from plotly.subplots import make_subplots

    heads = ("Loss, as a share of the baseline's", "Gradient, as a share of that at the last step")
    figure: Figure = make_subplots(rows=1, cols=2, subplot_titles=heads)
    for run in runs:
        line: dict[str, Any] = {"color": COLOURS[run.cell]}
        about = {"name": f"{run.cell} {run.seed}", "legendgroup": run.cell, "mode": "lines"}
        steps, shares = zip(*run.curve, strict=True)
        figure.add_trace(Scatter(x=steps, y=shares, line=line, **about), row=1, col=1)
        for when, reach in (("before", run.before), ("after", run.after)):
            left = [norm / reach.norms[0] or None for norm in reach.norms]
            dash = {**line, "dash": "dot" if when == "before" else "solid"}
            about |= {"name": f"{run.cell} {run.seed} {when} training"}
            figure.add_trace(Scatter(y=left, line=dash, **about), row=1, col=2)
    figure.update_xaxes(title_text="steps of training", row=1, col=1)
    figure.update_xaxes(title_text="steps before the last", row=1, col=2)
    figure.update_yaxes(type="log", exponentformat="power")
    figure.update_layout(title_text=title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.write_html(path, include_plotlyjs=True)
