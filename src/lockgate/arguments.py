"""The settings of every task by name, as `study` and `train` take them."""

from collections.abc import Sequence
from typing import TypedDict


class Settings(TypedDict, total=False):
    """Written by scripts/write_signatures from the fields of the settings."""

    align: str
    as_number: bool
    at_least: float | None
    at_steps: bool
    average: float
    batch_size: int
    bidirectional: bool | Sequence[bool] | str
    budget: str
    calendar: str
    categorical: Sequence[str] | str
    cell: str
    chunk_steps: int
    class_weight: str | None
    clean_html: bool
    clip_norm: float
    cut: int | None
    decimal: str | None
    decoder: str
    device: str
    drop_empty: bool
    dropout: float
    embedding_dropout: float
    embedding_size: int
    encoder: str | None
    encoding: str | None
    epoch_windows: int
    exclude: Sequence[str] | str
    folds: int | None
    fork_batch: int
    forks: int
    freeze_vectors: int | str
    gap: int | str
    gpus_per_fit: float | None
    group: str | None
    head: str
    header: bool
    hidden_size: int | Sequence[int] | str
    hold_masks: bool
    holes: str
    holidays: str | None
    horizon: int | str
    id: str | None
    init: str
    input_dropout: float
    inputs: Sequence[str] | str
    keep: str
    keep_validation: bool
    known_future: Sequence[str] | str
    label: str | None
    label_smoothing: float
    labels: str | None
    layer_norm: bool
    learning_rate: float
    linear_path: str
    lookback: int | str | None
    lowercase: bool
    mask_for: str
    mask_over: str
    mask_per: str | None
    max_epochs: int
    max_gap: int
    max_length: int | None
    max_steps: int | None
    mc_samples: int
    members: int
    metric: str
    min_count: int
    missing: Sequence[float] | str
    mix: bool
    normalise: str
    num_layers: int
    output_dropout: float
    patience: int
    patience_steps: int
    pooling: str
    pretrain: bool
    pretrain_epochs: int
    random_state: int
    ray: str | None
    recurrent_dropout: float
    resample: str | None
    residual: bool
    rounds: int
    row_order: bool
    rungs: Sequence[str] | str
    schedule: str
    segment_head: str
    segment_length: int | None
    separator: str | None
    series_weight: str
    several: str | None
    smallest_effect: float
    split: Sequence[str] | str
    split_seed: int
    spread: str
    static: Sequence[str] | str
    step: str | None
    stride: int
    target: str
    test: str | None
    text: str | None
    tied_weights: bool
    time: str | None
    time_format: str | None
    tokens: str
    track: Sequence[str] | str | None
    truncated_bptt_steps: int | None
    tuned: str | None
    unlabelled: str | None
    validation: str | None
    validations: int
    vectors: str | None
    vocab_size: int
    weight_decay: float
    weight_dropout: float
    where: Sequence[str] | str
    window: str
    workers: int | None
    zone: str | None
    zoneout: float
