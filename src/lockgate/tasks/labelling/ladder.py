"""The ladder of networks that a study of labelled sequences or texts compares."""

from lockgate.tasks.stack.rungs import Place, Rung

_ALL: tuple[Place, ...] = (
    "embedding_dropout",
    "input_dropout",
    "dropout",
    "recurrent_dropout",
    "weight_dropout",
    "output_dropout",
)
BOTH_WAYS = "bidirectional"
LINEAR_PATH = "linear-path"

LADDER = (
    Rung("rnn", cell="rnn", parent=None),
    Rung("lstm", cell="lstm", parent=None),
    Rung("gru", cell="gru", parent=None),
    Rung(LINEAR_PATH, "a linear path of TF-IDF", sets=(("linear_path", "on"),), default=False),
    Rung(BOTH_WAYS, "reading both directions", bidirectional=True),
    Rung(
        "embedding-dropout",
        "embedding dropout {embedding_dropout:g}",
        on=("embedding_dropout",),
        bidirectional=True,
        parent=BOTH_WAYS,
    ),
    Rung(
        "input-dropout",
        "input dropout {input_dropout:g}",
        on=("input_dropout",),
        bidirectional=True,
        parent=BOTH_WAYS,
    ),
    Rung(
        "recurrent-dropout",
        "recurrent dropout {recurrent_dropout:g}",
        on=("recurrent_dropout",),
        bidirectional=True,
        parent=BOTH_WAYS,
    ),
    Rung(
        "weight-dropout",
        "weight dropout {weight_dropout:g}",
        on=("weight_dropout",),
        bidirectional=True,
        parent=BOTH_WAYS,
    ),
    Rung(
        "last-dropout",
        "dropout {output_dropout:g} before the head",
        on=("output_dropout",),
        bidirectional=True,
        parent=BOTH_WAYS,
        default=False,
    ),
    Rung(
        "all",
        "all of them together",
        on=_ALL,
        bidirectional=True,
        parent=BOTH_WAYS,
    ),
    Rung(
        "stacked",
        "a stack of {num_layers} layers",
        stacked=True,
        bidirectional=True,
        parent=BOTH_WAYS,
    ),
    Rung(
        "stacked+all",
        "all dropouts on the stack",
        on=_ALL,
        stacked=True,
        bidirectional=True,
        parent="stacked",
    ),
    Rung(
        "recurrent-dropout-per-batch",
        "sharing the masks in a batch instead of drawing them for each row",
        on=("recurrent_dropout",),
        bidirectional=True,
        parent="recurrent-dropout",
        sets=(("mask_for", "batch"),),
        default=False,
    ),
    Rung(
        "zoneout",
        "zoneout {zoneout:g}",
        on=("zoneout",),
        bidirectional=True,
        parent=BOTH_WAYS,
        default=False,
    ),
    Rung(
        "layer-norm",
        "layer normalisation",
        sets=(("layer_norm", True),),
        bidirectional=True,
        parent=BOTH_WAYS,
        default=False,
    ),
)


def compares_linear_path(config: object) -> bool:
    """Tell whether these are the settings of a study that compares networks with a linear path."""
    return LINEAR_PATH in getattr(config, "rungs", ())
