"""Whether torch's own LSTM computes in bfloat16 here: oneDNN refuses on some processors."""

import pytest
import torch


def has_lstms() -> bool:
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.nn.LSTM(3, 4)(torch.zeros(5, 2, 3))
    except RuntimeError:
        return False
    return True


def skip_without_lstms() -> None:
    if not has_lstms():
        pytest.skip("torch's own LSTM has no bfloat16 on this processor")
