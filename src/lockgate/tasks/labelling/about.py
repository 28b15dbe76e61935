"""What the card of a classifier tells of it."""

from lockgate.charts.formats import plural
from lockgate.errors import MOST_LISTED, listed
from lockgate.tasks.card import About
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing


def about_classifier(config: LabelConfig, learned: LabelPreprocessing, networks: int) -> About:
    """Tell what a classifier reads and which labels it knows."""
    model, texts = config.model, learned.is_text
    facts = {
        "networks": f"{plural(networks, 'network')}: {model.cell.upper()}, "
        f"{model.num_layers} × {model.hidden_size}",
    }
    if learned.kind == "number":
        facts["predicts"] = "a number"
    else:
        facts["labels"] = listed(learned.classes, MOST_LISTED)
    if texts:
        facts["reads"] = f"texts, of which it knows {learned.vocabulary_size:,} tokens"
    else:
        facts["reads"] = f"sequences of {listed(learned.channels, MOST_LISTED)}"
    if learned.max_length is not None:
        unit = "token" if texts else "step"
        facts["reads at most"] = f"{plural(learned.max_length, unit)}, from the {learned.keep}"
    limits = []
    if learned.kind != "number":
        limits += [
            "It gives one of its labels to anything, also to what has none of them.",
            "Probabilities were calibrated on validation; on data of another kind they are not.",
        ]
    source = "texts.csv" if texts else "sequences.csv"
    use = [f"lockgate predict FOLDER {source}", f"lockgate evaluate FOLDER {source}"]
    title = f"A {'regressor' if learned.kind == 'number' else 'classifier'} of "
    return About(
        title + ("texts" if texts else "sequences"),
        "text-classification" if texts else "time-series-classification",
        model.cell,
        facts,
        use,
        limits,
    )
