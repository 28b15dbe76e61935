"""Write the page and the plot from the results."""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common.files import write_whole
from benchmarks.common.markdown import table
from benchmarks.language_model.config import ARMS, PUBLISHED
from benchmarks.language_model.plot import Fit, by_arm, plot

WHAT = {
    "none": "no regularisation",
    "locked": "locked dropout of words, input, between layers and of the output; AR and TAR",
    "weight": "the same and weight dropout: AWD-LSTM",
    "no-embedding": "`weight` without dropout of words",
    "no-input": "`weight` without dropout of the input",
    "no-between": "`weight` without dropout between the layers",
    "no-output": "`weight` without dropout of the output",
    "no-penalties": "`weight` without AR and TAR",
}
# what an arm has, and the one next to it has not
PARTS = {
    "locked dropout, AR and TAR": ("none", "locked"),
    "weight dropout": ("locked", "weight"),
    "dropout of words": ("no-embedding", "weight"),
    "dropout of the input": ("no-input", "weight"),
    "dropout between the layers": ("no-between", "weight"),
    "dropout of the output": ("no-output", "weight"),
    "AR and TAR": ("no-penalties", "weight"),
}
NAMES = {"wikitext2": "WikiText-2", "penn": "Penn Treebank"}
NOTHING = "–"

Results = Mapping[str, Any]


def write(folder: Path) -> None:
    """Write page and plot beside the results in a folder."""
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    write_whole(folder / "curves.svg", plot(results["fits"]))
    write_whole(folder / "README.md", page(results))


def page(results: Results) -> str:
    """Return the page in Markdown."""
    fits, config = results["fits"], results["config"]
    missing = len(results["arms"]) * len(results["seeds"]) - len(fits)
    parts = [
        "# A language model, with and without regularisation",
        _what(results),
        "![Perplexity by epoch](curves.svg)",
    ]
    if missing:
        parts.append(f"**{missing} of {missing + len(fits)} fits are not finished yet.**")
    if fits:
        parts += [
            "## Perplexity",
            _scores(fits),
            "Mean over seeds ± standard deviation between them; lower is better. *Training* is the "
            f"perplexity of the first {config['train_sample']:,} training tokens without dropout, "
            "in the best epoch; a text with fewer `<unk>` is the harder one, so that its level is "
            "not that of the other parts, its fall is.",
            "## What each part takes off",
            _differences(fits),
            "The difference of the test perplexities of two fits with the same seed and initial "
            "weights, which are equal but for the part; below 0, the part helps.",
            _verdict(fits),
        ]
    parts += [
        "## How it was made",
        _method(results),
        _sizes(results),
        "## Published figures",
        _published(results),
        "## Again",
        _again(results),
    ]
    return "\n\n".join(parts) + "\n"


def _what(results: Results) -> str:
    config, fits = results["config"], results["fits"]
    corpus = NAMES.get(config["corpus"], config["corpus"])
    read = f"{fits[0]['tokens']['train']:,}" if fits else "the"
    words = f"{fits[0]['vocabulary']:,}" if fits else "some"
    arms = "\n".join(f"- `{name}`: {WHAT[name]}" for name in results["arms"])
    return (
        f"A word-level LSTM of {config['layers']} layers on {corpus}, trained on {read} tokens "
        f"with a vocabulary of {words} words, with the same budget in each arm:\n\n"
        f"{arms}"
    )


def _scores(fits: Sequence[Fit]) -> str:
    header = ["arm", "fits", "validation", "test", "training", "best epoch", "minutes"]
    rows = []
    for name, seeds in by_arm(fits).items():
        best = [fit["curve"][fit["best_epoch"] - 1] for fit in seeds.values()]
        minutes = [sum(e["seconds"] for e in fit["curve"]) / 60 for fit in seeds.values()]
        epochs = [f"{fit['best_epoch']} of {len(fit['curve'])}" for fit in seeds.values()]
        rows.append(
            [
                f"`{name}`",
                str(len(seeds)),
                spread([epoch["valid"] for epoch in best]),
                spread([fit["test"] for fit in seeds.values()]),
                spread([epoch["train"] for epoch in best]),
                ", ".join(epochs),
                f"{statistics.mean(minutes):.0f}",
            ]
        )
    return table(header, rows)


def spread(values: Sequence[float]) -> str:
    """Write a mean, and the standard deviation where there is one."""
    mean = f"{statistics.mean(values):.2f}"
    return f"{mean} ± {statistics.stdev(values):.2f}" if len(values) > 1 else mean


def differences(fits: Iterable[Fit]) -> dict[str, dict[int, tuple[float, float]]]:
    """Give, for each part and seed, the test perplexities without it and with it."""
    arms = by_arm(fits)
    found = {
        part: {
            seed: (arms[without][seed]["test"], arms[with_it][seed]["test"])
            for seed in arms.get(without, {})
            if seed in arms.get(with_it, {})
        }
        for part, (without, with_it) in PARTS.items()
    }
    return {part: pairs for part, pairs in found.items() if pairs}


def _differences(fits: Sequence[Fit]) -> str:
    told = differences(fits)
    seeds = sorted({seed for pairs in told.values() for seed in pairs})
    rows = []
    for part, pairs in told.items():
        d = {seed: with_it - without for seed, (without, with_it) in pairs.items()}
        relative = statistics.mean(math.log(b / a) for a, b in pairs.values())
        rows.append(
            [
                part,
                *(f"{d[seed]:+.2f}" if seed in d else NOTHING for seed in seeds),
                spread(list(d.values())),
                f"{100 * math.expm1(relative):+.1f} %",
            ]
        )
    return table(["part", *(f"seed {seed}" for seed in seeds), "mean", "relative"], rows)


def _verdict(fits: Sequence[Fit]) -> str:
    """Say whether the order of the paper's ablation is seen."""
    pairs = differences(fits)
    gains = {
        part: [without - with_it for without, with_it in seeds.values()]
        for part, seeds in pairs.items()
    }
    own = gains.pop("weight dropout", None)
    gains.pop("locked dropout, AR and TAR", None)
    if own is None or len(own) < 2:
        return "Too few fits are finished to tell what weight dropout adds."
    mean = statistics.mean(own)
    lowered = f"lowers it in {sum(g > 0 for g in own)} of {len(own)} seeds"
    text = (
        "In the paper's ablation weight dropout is the largest single part: without it the test "
        "perplexity on Penn Treebank is 68.9 and not 58.8. Here it "
        f"{'takes' if mean >= 0 else 'adds'} {abs(mean):.2f}{' off' if mean >= 0 else ''} on "
        f"average and {lowered}"
    )
    if min(own) > 0 and mean > 2 * statistics.stdev(own):
        text += ", by more than twice the spread: its gain is seen at this size too."
    elif max(own) < 0 and -mean > 2 * statistics.stdev(own):
        text += (
            ", by more than twice the spread: at this size and budget it costs more than it gives."
        )
    else:
        text += ": at this size and budget its gain is not told from the noise of the seeds."
    if not gains:
        return text + (
            " Whether it is the *largest* single part these arms do not tell: of the other parts "
            "they show the sum. `--resume --arms "
            + " ".join(ARMS)
            + "` adds an arm without each of them."
        )
    largest = max(gains, key=lambda part: statistics.mean(gains[part]))
    most = statistics.mean(gains[largest])
    if mean > most:
        return text + f" The next largest is {largest}, {most:.2f}: the paper's order is seen."
    return text + f" Larger is {largest}, {most:.2f}: the paper's order is not seen."


def _method(results: Results) -> str:
    config, fits = results["config"], results["fits"]
    reduced = ""
    if config["train_tokens"] or config["vocabulary"]:
        unknown = fits[0]["unknown"] if fits else None
        share = (
            ", which makes `<unk>` "
            f"of {100 * unknown['train']:.0f} % of the training, {100 * unknown['valid']:.0f} % of "
            f"the validation and {100 * unknown['test']:.0f} % of the test tokens"
            if unknown
            else ""
        )
        reduced = (
            "**These perplexities are not comparable with published ones**: of the training part "
            f"the first {config['train_tokens']:,} tokens are used, and the vocabulary is the "
            f"{config['vocabulary']:,} most frequent words of those{share}. "
        )
    held = (
        "Masks are drawn anew for each chunk, as in the paper, and held over its steps."
        if config["hold"] == "chunk"
        else "Masks between modules are held over an epoch, those of weights over a chunk."
    )
    optimiser = (
        f"Adam, learning rate {config['learning_rate']:g}, times {config['decay']:g} after an "
        "epoch without a new best"
        if config["optimiser"] == "adam"
        else f"NT-ASGD, learning rate {config['learning_rate']:g}"
    )
    return (
        f"{reduced}Validation and test parts are whole. Every token is a target once, and the "
        f"state goes on from chunk to chunk, in evaluation in {config['eval_batch']} rows. "
        f"{held} AR and TAR belong to every arm but `none`, so that `locked` is the paper's model "
        "without weight dropout. The arms of a seed share their initial weights. After each "
        "epoch the validation part is read; a fit ends after "
        f"{config['patience']} epochs without a new best, or after {config['max_epochs']}. The "
        f"test part is read once, with the best weights. {optimiser}; gradients are clipped to "
        f"{config['clip']:g}. Rates were not tuned arm by arm."
    )


def _sizes(results: Results) -> str:
    fits = results["fits"]
    names = [name for name in results["config"] if name != "corpus"]
    rows = [[f"`{name}`", str(results["config"][name])] for name in names]
    if fits:
        rows.append(["parameters", f"{fits[0]['parameters']:,}"])
    return table(["setting", "value"], rows)


def _published(results: Results) -> str:
    targets = "; ".join(
        f"`--config {name}`: {tuned} test perplexity, {plain} before fine-tuning"
        for name, (tuned, plain) in PUBLISHED.items()
    )
    return (
        "Merity et al. (2017, [arXiv:1708.02182](https://arxiv.org/abs/1708.02182)) give what "
        f"the full configurations are to reach. {targets}. They have 3 layers of 1150, the rates "
        "of the paper and NT-ASGD, are meant for a GPU (`--device cuda`), and leave out the "
        "fine-tuning, a second run of ASGD. "
        + ("**They have not been run here.**" if _is_small(results) else "")
    ).strip()


def _is_small(results: Results) -> bool:
    return bool(results["preset"] == "small")


def _again(results: Results) -> str:
    lines = []
    for session in results["sessions"]:
        versions = ", ".join(f"{name} {found}" for name, found in session["versions"].items())
        changed = " with uncommitted changes" if session["uncommitted"] else ""
        lines.append(
            f"- `{session['command']}`, {session['date']}, commit {session['commit']}{changed}: "
            f"{versions}, python {session['python']}; {session['gpu'] or session['cpu']}, "
            f"{session['cores']} cores, {session['platform']}, instruction set "
            f"{session['instruction_set']}"
        )
    return (
        "\n".join(lines) + f"\n\n{results['workers']} fits side by side, {results['threads']} "
        "thread(s) each; minutes are of the clock, whatever else the machine did. A command is "
        "that of its commit. The data is "
        f"`{results['config']['corpus']}/{{train,valid,test}}.txt.gz` in the folder `--data`, "
        "`$LOCKGATE_DATA` by default. All numbers are in [results.json](results.json); "
        "`python -m benchmarks.language_model --page-only` writes this page from them."
    )
