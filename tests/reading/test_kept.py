"""What is too large for memory is kept beside the run that reads it."""

from pathlib import Path

import pytest

from lockgate.reading.kept import stores, stores_in


def test_a_place_holds_for_a_block_that_fails_too() -> None:
    before = stores()
    assert before == Path("runs/stores")

    with stores_in(Path("a")):
        with pytest.raises(ZeroDivisionError), stores_in(Path("b")):
            print(1 / (stores() != Path("b")))
        assert stores() == Path("a")

    assert stores() == before
