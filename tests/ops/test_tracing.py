"""A call that somebody follows is told from one that is only computed."""

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad
from torch.utils._python_dispatch import TorchDispatchMode

from lockgate.ops.tracing import is_traced, why_not_followed


class Mode(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


class Own(torch.Tensor):
    pass


def test_plain_tensors_are_only_computed() -> None:
    x = torch.zeros(2)

    assert not is_traced(x)
    assert not is_traced(torch.nn.Parameter(x))
    assert why_not_followed() is None
    with torch.no_grad():
        assert not is_traced(x)


def test_subclasses_modes_and_transforms_follow_a_call() -> None:
    seen, reasons = [], []

    def look(x):
        seen.append(is_traced(x))
        reasons.append(why_not_followed())
        return x.sum()

    torch.func.vmap(look)(torch.zeros(2, 3))
    torch.func.grad(look)(torch.zeros(3))
    with FakeTensorMode() as mode:
        seen.append(is_traced(mode.from_tensor(torch.zeros(2))))
    with Mode():
        seen.append(is_traced(torch.zeros(2)))

    assert seen == [True] * 4
    assert is_traced(torch.zeros(2).as_subclass(Own))
    assert reasons == ["it does not run inside a transform of torch.func"] * 2


def test_a_forward_derivative_follows_a_call() -> None:
    with forward_ad.dual_level():
        assert why_not_followed() == "it has no forward-mode derivative"

    assert why_not_followed() is None
