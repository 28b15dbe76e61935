"""A model of layers that are a loop is refused before anything is traced."""

import pytest

from lockgate.errors import DataError
from lockgate.tasks.graphs import check_layers
from lockgate.tasks.stack.config import StackConfig


@pytest.mark.parametrize(("name", "value"), [("layer_norm", True), ("zoneout", 0.1)])
def test_layers_that_are_a_loop_are_refused(name: str, value: object) -> None:
    check_layers(StackConfig())
    config = StackConfig.model_validate({name: value})
    with pytest.raises(DataError, match=f"{name} must be off in a model to be exported, got"):
        check_layers(config)
