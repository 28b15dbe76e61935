"""A card tells what a classifier reads and which labels it knows."""

from lockgate.tasks.labelling.about import about_classifier
from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.preprocessing import LabelPreprocessing
from lockgate.tasks.labelling.tokens import learn_tokens


def test_texts_have_labels_tokens_and_a_longest_length() -> None:
    tokens = learn_tokens(["to be or not to be"] * 2)
    learned = LabelPreprocessing(
        kind="class", classes=("a", "b"), tokenizer=tokens.to_json(), max_length=9, keep="end"
    )
    told = about_classifier(LabelConfig(), learned, 3)
    assert told.title == "A classifier of texts"
    assert told.pipeline == "text-classification"
    assert told.facts["networks"].startswith("3 networks: LSTM")
    assert told.facts["labels"] == "a, b"
    assert told.facts["reads"] == "texts, of which it knows 6 tokens"
    assert told.facts["reads at most"] == "9 tokens, from the end"
    assert told.use[0] == "lockgate predict FOLDER texts.csv"


def test_a_number_of_sequences_has_no_labels() -> None:
    learned = LabelPreprocessing(
        kind="number", channels=("x", "y"), means=(0.0, 0.0), deviations=(1.0, 1.0)
    )
    told = about_classifier(LabelConfig(), learned, 1)
    assert told.title == "A regressor of sequences"
    assert told.facts["reads"] == "sequences of x, y"
    assert "labels" not in told.facts
    assert told.limits == []
