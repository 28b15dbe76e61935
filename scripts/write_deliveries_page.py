"""Write docs/when.md from the models that scripts/deliveries trains."""

import json
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from study_pages import Results, table

from lockgate.charts.formats import metric_name
from lockgate.running.machine import environment

TABLES = {
    "jena-1h": "Jena, temperature, 1 h",
    "jena-24h": "Jena, temperature, 24 h",
    "etth1-24h": "ETTh1, oil temperature, 24 h",
    "taylor-24h": "taylor, demand, 24 h",
    "bike-24h": "bike rentals, 24 h",
    "pm25-24h": "PM2.5, Beijing, 24 h",
    "air-quality-24h": "benzene in the air, 24 h",
    "taxi-24h": "taxi rides, New York, 24 h",
}
LABELS = {
    "trec": "TREC, questions",
    "sst2": "SST-2, sentences",
    "chnsenticorp": "ChnSentiCorp, reviews",
    "waimai": "waimai, reviews",
    "thucnews": "THUCNews, titles",
    "imdb": "IMDb, reviews, pre-trained",
    "japanese-vowels": "JapaneseVowels",
    "pickup-gesture": "PickupGestureWiimoteZ",
    "indoor-movement": "IndoorMovement",
}
APART = ("air-quality-24h", "taxi-24h", "waimai", "thucnews")
HEAD = """# When a recurrent network wins, and when it does not

What `lockgate train` delivers at its defaults on real data, beside the baselines. *One* is the mean
score of the single networks, *mean* the score of their mean, *mixed* that of the model delivered:
the mean of the networks mixed with the baseline that validation chose, which stands beside it,
fitted to the same rows. *Best other* is the best baseline on the test part, which nobody knows
beforehand. The last column compares the mixture with the baseline in it, with the 95 % interval
over blocks of test rows; in bold where it leaves out 0. Lower scores are better.

Defaults were chosen on validation parts (benchmarks/recipe.md), and never on the sets marked †.
`scripts/deliveries` trains all of it and writes this page; a network of other seeds, or another
year, would score a little differently.

## What to take from it

- **A mixture is the safe choice.** It is better than every baseline on all eight tables. The
  network alone loses where the series is little more than its calendar and its last days (taylor,
  taxi rides), and there the mixture has 15 and 58 % of network. Where weather or air moves, or
  rentals, the network is better by itself, and the mixture mostly better still.
- **Which baseline is best is known afterwards.** On bike rentals, benzene and taxi rides validation
  chose another one than the test part would have. The mixture is better than both.
- **Texts are won by little.** A network of a few thousand texts that starts from TF-IDF is a little
  better than TF-IDF, where one without it is worse. News titles are few and short: there TF-IDF
  that is fitted to the validation rows too is clearly better.
- **Of few sequences, look at simple methods first.** The mean of three networks is ahead on the
  270 recordings of JapaneseVowels. It has fewer right answers than 1-NN DTW on the 50 of
  PickupGesture, and on IndoorMovement no method does much better than chance on recordings of
  groups that it has not seen.
- **The mean of a few networks is better than one**, on every set here, by up to a seventh.
"""


def main(runs: Path, page: Path) -> None:
    """Write the page of the models in `runs`."""
    tables, labels = _read(runs, TABLES), _read(runs, LABELS)
    commands = "\n".join(
        # a shell escapes each mark by itself
        shlex.join(shlex.split((runs / f"{name}.command").read_text(encoding="utf-8"))[1:])
        for name in (*tables, *labels)
    )
    here = environment()
    parts = [
        HEAD,
        "## Tables\n",
        table(_head("MAE"), [_row(TABLES[n] + _mark(n), tables[n]) for n in tables]),
        "",
        _counted(list(tables.values())),
        "\n## Texts and sequences\n",
        table(_head("log loss"), [_row(LABELS[n] + _mark(n), labels[n]) for n in labels]),
        "",
        _counted(list(labels.values())),
        "\nShares of right answers on the test part:\n",
        table(
            ("", "one", "mean", "mixed", "best baseline"),
            [_accuracies(LABELS[name] + _mark(name), labels[name]) for name in labels],
        ),
        "\n## Commands\n",
        f"```\n{commands}\n```\n",
        f"{here['cpu']}, {here['cores']} cores, torch {here['torch']}, lockgate "
        f"{here['lockgate']}. The test parts had been looked at before, by the studies of "
        "[studies.md](studies.md) and [classification.md](classification.md); no default was "
        "chosen for their scores.\n",
    ]
    page.write_text("\n".join(parts), encoding="utf-8")


def _read(runs: Path, names: Sequence[str] | dict[str, str]) -> dict[str, Results]:
    files = {name: runs / name / "metrics.json" for name in names}
    return {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name, path in files.items()
        if path.exists()
    }


def _mark(name: str) -> str:
    return " †" if name in APART else ""


def _head(metric: str) -> tuple[str, ...]:
    return (metric, "one", "mean", "mixed", "baseline in it", "best other", "against it, %")


def _row(title: str, metrics: Results) -> tuple[str, ...]:
    metric, delivered = metrics["metric"], metrics["delivered"]
    refitted, best = delivered["refitted"], _best(metrics, metric)
    named = f"{delivered['baseline']} {_score(refitted[metric])}" if refitted else "–"
    return (
        title,
        *(_score(delivered[kind][metric]) for kind in ("single", "networks", "mixture")),
        named,
        f"{best['name']} {_score(best['test'][metric])}",
        _effect(delivered["effect"]),
    )


def _accuracies(title: str, metrics: Results) -> tuple[str, ...]:
    delivered, best = metrics["delivered"], _best(metrics, "accuracy", most=True)
    kinds = ("single", "networks", "mixture")
    return (
        title,
        *(f"{delivered[kind]['accuracy']:.3f}" for kind in kinds),
        f"{best['name']} {best['test']['accuracy']:.3f}",
    )


def _best(metrics: Results, metric: str, *, most: bool = False) -> Results:
    known = [b for b in metrics["baselines"] if b["test"].get(metric) is not None]
    best: Results = (max if most else min)(known, key=lambda b: b["test"][metric])
    return best


def _score(value: float) -> str:
    return f"{value:.4g}"


def _effect(effect: Results | None) -> str:
    if effect is None:
        return "–"
    text = f"{effect['percent']:+.1f} [{effect['low']:+.1f}, {effect['high']:+.1f}]"
    return f"**{text}**" if effect["outcome"] in ("beats", "loses") else text


def _counted(known: Sequence[Results]) -> str:
    """Count what came of the models, so that the sentence cannot differ from the table."""
    metrics = [(one, one["metric"], one["delivered"]) for one in known]
    outcomes = Counter(d["effect"]["outcome"] for _, _, d in metrics if d["effect"])
    within = better = single = 0
    for one, metric, delivered in metrics:
        best = _best(one, metric)["test"][metric]
        better += delivered["mixture"][metric] < best
        within += delivered["mixture"][metric] <= best * 1.01
        single += delivered["single"][metric] < best
    name = metric_name(known[0]["metric"]) if known else ""
    return (
        f"By {name}, the model delivered is better than every baseline on {better} of "
        f"{len(known)} sets, and within 1 % of the best or better on {within}; a single network "
        f"is better than every baseline on {single}. Against the baseline in it, over chance: "
        f"better {outcomes['beats']}, no clear difference {outcomes['ties']}, worse "
        f"{outcomes['loses']}."
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
