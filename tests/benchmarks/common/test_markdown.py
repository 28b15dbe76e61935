"""Tables are Markdown."""

from benchmarks.common.markdown import table


def test_table_is_markdown():
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | --: |\n| x | 1 |"
