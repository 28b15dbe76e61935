"""The ladder of networks that a study of forecasts compares."""

from lockgate.tasks.stack.rungs import Rung

LADDER = (
    Rung("rnn", cell="rnn", parent=None),
    Rung("lstm", cell="lstm", parent=None),
    Rung("gru", cell="gru", parent=None),
    Rung("input-dropout", "input dropout {input_dropout:g}", on=("input_dropout",)),
    Rung("recurrent-dropout", "recurrent dropout {recurrent_dropout:g}", on=("recurrent_dropout",)),
    Rung(
        "both",
        "input dropout {input_dropout:g} with recurrent dropout {recurrent_dropout:g}",
        on=("input_dropout", "recurrent_dropout"),
    ),
    # what `train` has turned on by default
    Rung(
        "all",
        "input dropout {input_dropout:g}, recurrent dropout {recurrent_dropout:g} and "
        "dropout {output_dropout:g} on the last state",
        on=("input_dropout", "recurrent_dropout", "output_dropout"),
    ),
    Rung("stacked", "a stack of {num_layers} layers", stacked=True),
    Rung(
        "stacked+both",
        "dropout on the stack (input {input_dropout:g}, between layers {dropout:g}, "
        "recurrent {recurrent_dropout:g})",
        on=("input_dropout", "dropout", "recurrent_dropout"),
        stacked=True,
        parent="stacked",
    ),
    Rung("bidirectional", "reading both directions", bidirectional=True),
    Rung(
        "linear-path",
        "forecasting on top of a ridge regression",
        sets=(("linear_path", "on"),),
        default=False,
    ),
    # what tutorials teach: dropout before the head, and masks that are not held
    Rung(
        "output-dropout",
        "dropout {output_dropout:g} on the last state",
        on=("output_dropout",),
        default=False,
    ),
    Rung(
        "both-per-step",
        "drawing the masks anew at every step instead of holding them",
        on=("input_dropout", "recurrent_dropout"),
        parent="both",
        per_step=True,
        default=False,
    ),
    Rung(
        "recurrent-dropout-per-batch",
        "sharing the masks in a batch instead of drawing them for each row",
        on=("recurrent_dropout",),
        parent="recurrent-dropout",
        sets=(("mask_for", "batch"),),
        default=False,
    ),
    Rung(
        "weight-dropout",
        "weight dropout {weight_dropout:g}",
        on=("weight_dropout",),
        default=False,
    ),
    Rung(
        "zoneout",
        "zoneout {zoneout:g}",
        on=("zoneout",),
        default=False,
    ),
    Rung(
        "layer-norm",
        "layer normalisation",
        sets=(("layer_norm", True),),
        default=False,
    ),
)
