"""The ladder of networks that a study of a language model compares."""

from lockgate.tasks.stack.rungs import Place, Rung

_ALL: tuple[Place, ...] = (
    "embedding_dropout",
    "input_dropout",
    "dropout",
    "recurrent_dropout",
    "weight_dropout",
    "output_dropout",
)

LADDER = (
    Rung("rnn", cell="rnn", parent=None),
    Rung("lstm", cell="lstm", parent=None),
    Rung("gru", cell="gru", parent=None),
    Rung(
        "embedding-dropout",
        "embedding dropout {embedding_dropout:g}",
        on=("embedding_dropout",),
    ),
    Rung("input-dropout", "input dropout {input_dropout:g}", on=("input_dropout",)),
    Rung(
        "recurrent-dropout",
        "recurrent dropout {recurrent_dropout:g}",
        on=("recurrent_dropout",),
    ),
    Rung("weight-dropout", "weight dropout {weight_dropout:g}", on=("weight_dropout",)),
    Rung(
        "output-dropout",
        "dropout {output_dropout:g} before the scores",
        on=("output_dropout",),
    ),
    Rung("all", "all of them together", on=_ALL),
    Rung("stacked", "a second layer", on=_ALL, stacked=True, parent="all"),
)
