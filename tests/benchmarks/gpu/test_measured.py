"""What was measured to be faster is written where the layers look for it."""

import copy
import json

from benchmarks.gpu import measured
from lockgate.ops._triton.measured import Measured, Measurements


def test_what_is_faster_is_written_for_the_layers(results, tmp_path, monkeypatch) -> None:
    path = tmp_path / "measured.json"
    other = {"cell": "gru", "dtype": "bfloat16", "B": 16, "H": 64, "ratio": 2.0}
    path.write_text(json.dumps({"gpu": "NVIDIA Test", "cells": [other]}))
    monkeypatch.setattr(measured, "MEASURED", path)

    measured.write(copy.deepcopy(results))

    written = json.loads(path.read_text())
    ours = {"cell": "lstm", "dtype": "bfloat16", "B": 16, "H": 64, "ratio": 0.75}
    assert written == {"gpu": "NVIDIA Test", "cells": [other, ours]}
    assert Measurements(written["gpu"], tuple(Measured(**c) for c in written["cells"]))
