"""The step size goes as torch's own schedules have it."""

import pytest
import torch

from lockgate.training.schedule import LEAST, WARM_UP, share_of_rate


def rates(scheduler_of, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, seen = scheduler_of(optimizer), []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


def test_a_cosine_is_torchs() -> None:
    judge = rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=17), 17)

    assert [share_of_rate("cosine", step, 17) for step in range(17)] == pytest.approx(judge)


def test_one_cycle_is_torchs_up_to_where_its_phases_end() -> None:
    # torch's rising phase ends at 0.3 * 1001 - 1 and its cycle at 1000, not at one step more
    judge = rates(
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o,
            max_lr=1.0,
            total_steps=1001,
            pct_start=WARM_UP,
            div_factor=1 / LEAST,
            final_div_factor=1e9,
            cycle_momentum=False,
        ),
        1000,
    )

    shares = [share_of_rate("one_cycle", step, 1000) for step in range(1000)]

    assert shares == pytest.approx(judge, abs=0.005)
    assert shares[0] == pytest.approx(LEAST)
    assert max(shares) == shares[300] == pytest.approx(1.0)


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_a_schedule_ends_at_zero_and_stays_there(schedule: str) -> None:
    assert share_of_rate(schedule, 40, 40) == share_of_rate(schedule, 41, 40) == 0.0


def test_a_constant_rate_is_left_alone() -> None:
    assert {share_of_rate("constant", step, 3) for step in range(9)} == {1.0}
