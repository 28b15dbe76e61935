"""Published sequences are read as they are known, and as a few other lines read them."""

import csv
import gzip
import io
import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lockgate.tasks.labelling.labelled import check_labelled, classes_of, cut
from lockgate.tasks.labelling.parts import split_parts
from lockgate.tasks.labelling.sources.sequences import from_arrays, read_sequences

ROOT = Path(__file__).parents[4]
FOLDER = Path(os.environ.get("LOCKGATE_DATA", ROOT.parent / "shared" / "data"))
real = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no data folder {FOLDER}; LOCKGATE_DATA names another"
)

TS = [
    # file, sequences, channels, fewest and most steps, classes
    ("JapaneseVowels_TRAIN.ts.gz", 270, 12, 7, 26, 9),
    ("JapaneseVowels_TEST.ts.gz", 370, 12, 7, 29, 9),
    ("PickupGestureWiimoteZ_TRAIN.ts", 50, 1, 29, 361, 10),
    ("PickupGestureWiimoteZ_TEST.ts", 50, 1, 37, 324, 10),
    ("BasicMotions_TRAIN.ts.gz", 40, 6, 100, 100, 4),
    ("BasicMotions_TEST.ts.gz", 40, 6, 100, 100, 4),
    ("ArrowHead_TRAIN.ts", 36, 1, 251, 251, 3),
    ("ArrowHead_TEST.ts.gz", 175, 1, 251, 251, 3),
    ("GunPoint_TRAIN.ts", 50, 1, 150, 150, 2),
    ("GunPoint_TEST.ts.gz", 150, 1, 150, 150, 2),
    ("ItalyPowerDemand_TRAIN.ts", 67, 1, 24, 24, 2),
    ("ItalyPowerDemand_TEST.ts.gz", 1029, 1, 24, 24, 2),
]


def parse_ts(path: Path) -> tuple[list[np.ndarray], list[str]]:
    """Read a .ts file another way."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    lines = text[text.index("@data") + 5 :].split()
    rows = [line.rsplit(":", 1) for line in lines]
    arrays = [
        np.array([np.fromstring(d, sep=",", dtype=np.float64) for d in row.split(":")]).T
        for row, _ in rows
    ]
    return arrays, [label for _, label in rows]


@real
@pytest.mark.parametrize("facts", TS, ids=lambda facts: facts[0].split(".")[0])
def test_ts_files_are_as_they_are_known(facts: tuple[str, int, int, int, int, int]) -> None:
    name, count, channels, fewest, most, classes = facts
    arrays, labels = parse_ts(FOLDER / "tsc_aeon" / name)

    data = check_labelled(read_sequences(FOLDER / "tsc_aeon" / name))

    assert (len(data), len(data.channels)) == (count, channels)
    assert (data.items.lengths.min(), data.items.lengths.max()) == (fewest, most)
    assert len(classes_of(data)) == classes
    assert (data.kind, data.notices, data.source) == ("class", (), name)
    assert data.labels.tolist() == labels
    np.testing.assert_array_equal(data.items.values, np.concatenate(arrays).astype(np.float32))
    assert data.items.lengths.tolist() == [len(array) for array in arrays]
    assert data.fingerprint == from_arrays(arrays, labels).fingerprint


@real
def test_indoor_movement_is_as_it_is_known() -> None:
    path = FOLDER / "indoor_movement" / "IndoorMovement.zip"

    data = check_labelled(
        read_sequences(
            path, labels="MovementAAL_target.csv", group="groups/MovementAAL_DatasetGroup.csv"
        )
    )

    assert (len(data), data.items.values.shape) == (314, (13_197, 4))
    assert data.channels == tuple(f"RSS_anchor{k}" for k in (1, 2, 3, 4))
    assert Counter(data.labels.tolist()) == {"1": 158, "-1": 156}
    assert data.groups is not None
    assert Counter(data.groups.tolist()) == {"1": 104, "2": 106, "3": 104}
    assert data.names[9] == "dataset/MovementAAL_RSS_10.csv"
    assert data.notices == (
        "3 files without a label in 'dataset/MovementAAL_target.csv' not read: README.txt, "
        "dataset_description.txt, groups/MovementAAL_Paths.csv",
    )
    with zipfile.ZipFile(path) as file:
        for i in (0, 9, 313):
            rows = csv.reader(io.StringIO(file.read(data.names[i]).decode()))
            values = np.array(list(rows)[1:], dtype=np.float32)
            np.testing.assert_array_equal(data.items[i], values)


@real
@pytest.mark.parametrize(
    ("name", "steps", "busy"),
    [("datatraining", 8143, 1729), ("datatest", 2665, 972), ("datatest2", 9752, 2049)],
)
def test_occupancy_is_one_sequence_with_a_label_at_every_step(name, steps, busy) -> None:
    path = FOLDER / "occupancy" / f"{name}.txt.gz"

    data = check_labelled(read_sequences(path, label="Occupancy", step="date", at_steps=True))

    assert (len(data), data.items.values.shape) == (1, (steps, 5))
    assert data.channels == ("Temperature", "Humidity", "Light", "CO2", "HumidityRatio")
    assert Counter(data.labels.tolist()) == {"0": steps - busy, "1": busy}
    assert data.notices == ("not read as inputs: 'unnamed 1' (no name)",)
    rows = list(csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))[1:]
    np.testing.assert_array_equal(
        data.items.values, np.array([row[2:7] for row in rows], dtype=np.float32)
    )
    assert data.labels.tolist() == [row[7] for row in rows]


@real
def test_stretches_of_occupancy_are_parted_by_time() -> None:
    path = FOLDER / "occupancy" / "datatraining.txt.gz"

    data = cut(read_sequences(path, label="Occupancy", at_steps=True), 100)
    parts = split_parts(data, 0, by_time=True)

    assert (len(data), data.items.lengths.min()) == (82, 43)
    assert parts.train.max() < parts.validation.min() <= parts.validation.max() < parts.test.min()


def test_file_that_is_absent_raises(tmp_path: Path) -> None:
    for name in ("a.ts", "a.ts.gz", "a.csv", "a.zip", "a"):
        with pytest.raises(
            FileNotFoundError, match=f"source must be an existing file, got .*{name}"
        ):
            read_sequences(tmp_path / name)


def test_what_is_no_source_raises() -> None:
    with pytest.raises(TypeError, match="source must be a path, or a pandas, polars or pyarrow"):
        read_sequences([[1.0, 2.0]])
