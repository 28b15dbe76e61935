"""Labelled data that nothing can be learned from end with one sentence and nothing written."""

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typer

from lockgate.cli.app import app

PACKAGE = Path(__file__).parents[2] / "src" / "lockgate"
SMALL = ["--rungs", "lstm", "--folds", 3, "--rounds", 3, "--workers", 1, "--set", "hidden_size=4"]
SMALL += ["--set", "max_epochs=1", "--set", "embedding_size=3"]
REVIEWS = ["study", "reviews.csv", "--text", "review", "--label", "label", *SMALL]
WAVES = ["study", "waves.ts", *SMALL]
HEAD = "@problemName waves\n@dimensions 2\n@classLabel true up down\n@data\n"
WORDS = ["good", "fine", "great", "nice", "bad", "awful", "poor", "weak"]


def review(row: int) -> tuple[str, str]:
    words = (WORDS[:4] if row % 2 else WORDS[4:]) * 2
    return f"a {words[row % 4]} film {words[row % 4 + 1]} {row}", "pos" if row % 2 else "neg"


@pytest.fixture
def reviews(tmp_path: Path) -> Any:
    """Write reviews as a file, with some rows changed: row (from 1) to text and label."""

    def write(changed: Any = None, name: str = "reviews.csv", rows: int = 40) -> None:
        found = [review(row) for row in range(rows)]
        for row, (text, label) in (changed or {}).items():
            found[row - 1] = (text or found[row - 1][0], label or found[row - 1][1])
        lines = [f'"{text}",{label}' for text, label in found]
        (tmp_path / name).write_text("\n".join(["review,label", *lines]) + "\n", encoding="utf-8")

    return write


@pytest.fixture
def waves(tmp_path: Path) -> Any:
    """Write sequences as a file, with some rows (from 1) replaced by a line."""

    def write(changed: Any = None, name: str = "waves.ts", rows: int = 40) -> None:
        lines = [
            f"{i % 7}.5,{i},{i % 3}:1,2,{i}.25:{'down' if i % 3 else 'up'}" for i in range(rows)
        ]
        for row, line in (changed or {}).items():
            lines[row - 1] = line
        (tmp_path / name).write_text(HEAD + "\n".join(lines) + "\n")

    return write


def test_what_these_tests_change_can_be_studied(lockgate: Any, reviews: Any, waves: Any) -> None:
    reviews()
    waves()

    for command in (REVIEWS, WAVES):
        result = lockgate(*command, "--dry-run")
        assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            dict.fromkeys(range(1, 41), (None, "pos")),
            "labels must be of two classes or more, got 'pos' alone",
        ),
        (
            {7: (None, "mixed")},
            "every class must have two examples or more, got 'mixed' with one (row 7); drop it, or "
            "join classes",
        ),
        (
            {9: ("  ", None), 12: (" ", None)},
            "every text must hold something, got 2 empty ones: row 9, row 12; drop it "
            "(--drop-empty)",
        ),
        (
            {row: (f"{row}.5", None) for row in range(1, 41)},
            "text must be a column of text, got numbers such as 1.5 in column 'review'; name "
            "another column (--text)",
        ),
    ],
    ids=["one-class", "class-of-one", "empty", "numbers"],
)
def test_texts_that_cannot_be_learned_from(
    refused: Any, reviews: Any, changed: Any, sentence: str
) -> None:
    reviews(changed)

    assert refused(*REVIEWS) == sentence


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            dict.fromkeys(range(1, 41), "1,2:3,4:up"),
            "labels must be of two classes or more, got 'up' alone",
        ),
        (
            {row: f"{row},2:3,4:down" for row in range(2, 41)},
            "every class must have two examples or more, got 'up' with one (row 1); drop it, or "
            "join classes",
        ),
        (
            {3: "::up"},
            "every sequence must hold something, got 1 empty one: row 3; take it out",
        ),
        (
            {4: "?,NaN,?:NaN,?,?:up"},
            "every sequence must hold something, got 1 empty one: row 4; take it out",
        ),
        (
            {8: "1,inf,3:4,5,6:up"},
            "every value of a sequence must be a finite number, got inf in row 8, step 2, channel "
            "'dim_1'",
        ),
        (
            {6: "1,2,3:up"},
            "every row of 'waves.ts' must have 2 dimensions and a label, parted by ':', got 1 "
            "dimension in row 6",
        ),
        (
            {6: "1,2:3:up"},
            "the dimensions of a row must be of one length, got 2 and 1 step in dimensions 1 and 2 "
            "of row 6 of 'waves.ts'",
        ),
        ({2: "1,x:3,4:up"}, "values must be numbers parted by ',', got 'x' in row 2, dimension 1"),
        (
            {2: "1,2:3,4:left"},
            "labels must be listed by @classLabel, up, down, got 'left' in row 2",
        ),
    ],
    ids=["one-class", "class-of-one", "length-0", "nan", "inf", "channels", "ragged", "x", "label"],
)
def test_sequences_that_cannot_be_learned_from(
    refused: Any, waves: Any, changed: Any, sentence: str
) -> None:
    waves(changed)

    assert refused(*WAVES).startswith(sentence)


@pytest.mark.parametrize(("part", "row"), [("test", 3), ("validation", 5)])
def test_a_label_that_training_never_had(refused: Any, reviews: Any, part: str, row: int) -> None:
    reviews()
    reviews({row: (None, "mixed"), row + 1: (None, "mixed")}, "other.csv", rows=12)

    assert refused(*REVIEWS, f"--{part}", "other.csv") == (
        f"labels of the {part} part must occur in training, got 'mixed' in other.csv row {row}"
    )


def test_one_example_of_a_label_that_training_never_had(refused: Any, reviews: Any) -> None:
    reviews()
    reviews({3: (None, "mixed")}, "other.csv", rows=12)

    assert refused(*REVIEWS, "--test", "other.csv") == (
        "labels of the test part must occur in training, got 'mixed' in other.csv row 3"
    )


def test_a_tag_that_training_never_had(refused: Any, tmp_path: Path) -> None:
    for name, tag in (("a.csv", "up"), ("b.csv", "left")):
        rows = [f"{i}.5,{tag if i % 3 else 'down'}" for i in range(300)]
        (tmp_path / name).write_text("\n".join(["x,tag", *rows]) + "\n")

    sentence = refused("study", "a.csv", "--label", "tag", "--at-steps", "--test", "b.csv", *SMALL)

    assert sentence.startswith("labels must have occurred in training, got 'left', the first in b")
    assert sentence.endswith("; known are down, up")


def test_channels_that_differ_between_parts(refused: Any, waves: Any, tmp_path: Path) -> None:
    waves()
    other = HEAD.replace("dimensions 2", "dimensions 1") + "1,2:up\n3,4:down\n"
    (tmp_path / "other.ts").write_text(other)

    assert refused(*WAVES, "--test", "other.ts") == (
        "waves.ts and other.ts must have the same channels, got dim_1, dim_2 and dim_1"
    )


@pytest.mark.parametrize("packed", [True, False], ids=["zip", "folder"])
def test_channels_that_differ_between_files(refused: Any, tmp_path: Path, packed: bool) -> None:
    files = {f"{i}.csv": "x,y\n1,2\n3,4\n" for i in range(20)}
    files["7.csv"] = "x,z\n1,2\n3,4\n"
    files["labels.csv"] = "file,label\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20))
    if packed:
        with zipfile.ZipFile(tmp_path / "waves.zip", "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
    else:
        (tmp_path / "waves").mkdir()
        for name, text in files.items():
            (tmp_path / "waves" / name).write_text(text)

    told = ["--labels", "labels.csv", "--label", "label", "--id", "file"]
    sentence = refused("study", "waves.zip" if packed else "waves", *told, *SMALL)

    assert "7.csv" in sentence


def test_a_file_in_another_encoding_than_was_told(refused: Any, tmp_path: Path) -> None:
    rows = ["review,label", *(f"好的电影{i},{'pn'[i % 2]}" for i in range(40))]
    (tmp_path / "reviews.csv").write_bytes("\n".join(rows).encode("gb18030"))

    sentence = refused(*REVIEWS, "--encoding", "utf-8")

    assert "reviews.csv" in sentence
    assert "row 1" in sentence
    assert "utf-8" in sentence.lower()
    assert sentence.endswith('name another encoding, encoding="gb18030" (--encoding gb18030)')


def test_an_encoding_that_was_told_right_is_named(lockgate: Any, tmp_path: Path) -> None:
    rows = ["review,label", *(f"好的电影 {i},{'pn'[i % 2]}" for i in range(40))]
    (tmp_path / "reviews.csv").write_bytes("\n".join(rows).encode("gb18030"))

    result = lockgate(*REVIEWS, "--dry-run")

    assert result.exit_code == 0, result.stderr
    assert "GB18030" in result.stdout


def test_every_option_that_an_error_names_is_there() -> None:
    commands = typer.main.get_command(app).commands.values()
    there = {
        option
        for command in commands
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    parts = ("reading", "scoring", "tasks", "studies")
    sources = [path for part in parts for path in (PACKAGE / part).rglob("*.py")]

    named = {
        option
        for path in sources
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", path.read_text(encoding="utf-8"))
    }

    assert len(named) > 10
    assert named <= there


def test_a_table_without_a_header_is_told_of_and_read(
    lockgate: Any, refused: Any, tmp_path: Path
) -> None:
    rows = [f"title{row} {review(row)[0]}\t{review(row)[1]}" for row in range(40)]
    (tmp_path / "titles.txt").write_text("\n".join(rows))
    told = ["--text", 1, "--label", 2, "--no-header", *SMALL]

    sentence = refused("study", "titles.txt", "--set", "tokens=word", *SMALL)
    result = lockgate("study", "titles.txt", *told, "--dry-run")

    assert "--text 1 --label 2 --no-header" in sentence
    assert result.exit_code == 0, result.stderr
    assert "40 texts" in result.stdout


def test_empty_texts_are_left_out_and_said_so(lockgate: Any, reviews: Any) -> None:
    reviews({9: (" ", None)})

    result = lockgate(*REVIEWS, "--drop-empty", "--dry-run")

    assert result.exit_code == 0, result.stderr
    assert "1 empty text dropped (row 9)" in " ".join(result.stdout.split())


def test_a_million_tokens_are_cut_and_said_so(lockgate: Any, reviews: Any) -> None:
    reviews({3: ("good " * 1_000_000, None)})

    result = lockgate(*REVIEWS, "--dry-run")

    assert result.exit_code == 0, result.stderr
    shown = " ".join(result.stdout.split())
    assert "1 text cut to 5 tokens (the longest had 1,000,000)" in shown


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (["--text", "nope", "--label", "label"], "'nope'"),
        (["--text", "review", "--label", "nope"], "'nope'"),
        (["--text", "review"], "label must name the column of labels, got none"),
        (["--text", "review", "--label", "label", "--test", "no.csv"], "no.csv"),
        (["--text", "review", "--label", "label", "--metric", "mae"], "metric must be log_loss"),
        (["--text", "review", "--label", "label", "--set", "max_length=0"], "max_length must be"),
        (["--text", "review", "--label", "label", "--set", "as_number=true"], "got 'neg' in row 1"),
        (
            ["--text", "review", "--label", "label", "--at-steps", "--set", "as_number=true"],
            "only one of at_steps and as_number may be told",
        ),
    ],
    ids=lambda told: str(told[-1]) if isinstance(told, list) else None,
)
def test_what_does_not_fit_the_file(
    refused: Any, reviews: Any, told: list[str], sentence: str
) -> None:
    reviews()

    assert sentence in refused("study", "reviews.csv", *told, *SMALL)


def test_truncated_backpropagation_of_both_directions_is_refused(refused: Any, waves: Any) -> None:
    waves()
    told = ["--set", "truncated_bptt_steps=2"]

    assert refused("train", "waves.ts", *told) == (
        "truncated_bptt_steps must be left out for a network that reads both directions, got 2: "
        "the reverse direction begins at the end; pass bidirectional=false (--set "
        "bidirectional=false)"
    )
    assert refused("study", "waves.ts", "--rungs", "lstm,bidirectional,all", *told) == (
        "truncated_bptt_steps must be left out with rungs that read both directions, got 2 with "
        "bidirectional, all: the reverse direction begins at the end; name others (--rungs "
        "rnn,lstm,gru)"
    )
    assert "truncated_bptt_steps must be greater than or equal to 1" in refused(
        "train", "waves.ts", "--set", "truncated_bptt_steps=0"
    )


def test_a_ts_file_has_no_columns_and_no_tags(refused: Any, waves: Any) -> None:
    waves()

    assert "label must be left out for a .ts file" in refused(*WAVES, "--label", "x")
    assert "at_steps must be left out for a .ts file" in refused(*WAVES, "--at-steps")


def test_no_such_file(refused: Any) -> None:
    for name in ("no.ts", "no.zip"):
        assert name in refused("study", name, *SMALL)


def test_a_refused_study_leaves_a_folder_as_it_is(
    refused: Any, reviews: Any, tmp_path: Path
) -> None:
    reviews({7: (None, "mixed")})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")

    refused(*REVIEWS, "--out", "out")

    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"
