"""A stream answers as `predict` on its last rows, and is nobody's but its owner's."""

from typing import Any

import pytest
from exported_models import Exported
from lockgate_runtime import DataError
from lockgate_runtime.serving.limits import Limits
from lockgate_runtime.serving.streams import Streams
from serving_rows import TOKEN, loaded, of_shops, rows, told

OTHER = "another-token-of-them"


def test_rows_one_by_one_give_the_forecast_of_all(client: Any, plain: Exported) -> None:
    asks, model = client(), loaded(plain)
    opened = asks.post("/streams?model=plain", json={"data": rows(0, 20)}).json()
    path = f"/streams/{opened['stream']}"
    for place in range(20, 60):
        answer = asks.post(path, json={"data": rows(place, place + 1)})
        if answer.status_code == 422:
            # a row without a target changes nothing that is forecast
            assert rows(place, place + 1)["y"] == [None]
            continue
        found = answer.json()["prediction"]
        everything = told(model.predict(rows(0, place + 1)))
        assert found["ds"] == everything["ds"]
        assert found["forecast"] == pytest.approx(everything["forecast"], rel=1e-6)
    assert asks.delete(path).status_code == 204
    assert asks.post(path, json={"data": rows()}).status_code == 404


def test_a_window_is_bounded_and_a_row_may_be_corrected(client: Any, plain: Exported) -> None:
    model, streams = loaded(plain), Streams(Limits())
    _, stream = streams.open("plain", "")
    for place in range(60):
        streams.keep(stream, stream.with_rows(model, rows(place, place + 1)))
    assert stream.rows <= model.schema["rows"] + 1
    corrected = rows(59, 60) | {"y": [99.0]}
    asks = client()
    opened = asks.post("/streams?model=plain", json={"data": rows(0, 60)}).json()["stream"]
    found = asks.post(f"/streams/{opened}", json={"data": corrected}).json()["prediction"]
    whole = rows(0, 60)
    whole["y"][-1] = 99.0
    assert found["forecast"] == pytest.approx(told(model.predict(whole))["forecast"], rel=1e-6)


def test_several_series_in_one_stream(client: Any, several: Exported) -> None:
    asks, (data, future) = client(), of_shops()
    half = len(data["ds"]) // 2
    first, second = ({n: c[:half] for n, c in data.items()}, {n: c[half:] for n, c in data.items()})
    opened = asks.post("/streams?model=shops", json={"data": first, "future": future})
    if opened.status_code == 422:  # the first half alone may lack what is known of later days
        opened = asks.post("/streams?model=shops", json={})
        asked = {"data": data, "future": future}
    else:
        asked = {"data": second, "future": future}
    found = asks.post(f"/streams/{opened.json()['stream']}", json=asked).json()["prediction"]
    wanted = told(loaded(several).predict(data, future))
    by_name = dict(zip(wanted["unique_id"], wanted["forecast"], strict=True))
    assert dict(zip(found["unique_id"], found["forecast"], strict=True)) == pytest.approx(
        by_name, rel=1e-5
    )


def test_what_is_refused_leaves_a_stream_as_it_was(client: Any, plain: Exported) -> None:
    asks = client()
    opened = asks.post("/streams?model=plain", json={"data": rows(0, 40)}).json()
    path = f"/streams/{opened['stream']}"
    bad = rows(40, 42) | {"y": ["much", 1.0]}
    assert asks.post(path, json={"data": bad}).status_code == 422
    found = asks.post(path, json={"data": rows(40, 60)}).json()["prediction"]
    wanted = told(loaded(plain).predict(rows(0, 60)))
    assert found["forecast"] == pytest.approx(wanted["forecast"], rel=1e-6)


def test_a_stream_is_its_owner_s(client: Any) -> None:
    asks = client(tokens=(TOKEN, OTHER))
    own, others = ({"authorization": f"Bearer {one}"} for one in (TOKEN, OTHER))
    opened = asks.post("/streams?model=plain", json={"data": rows()}, headers=own).json()
    path = f"/streams/{opened['stream']}"
    assert asks.post(path, json={"data": rows()}, headers=others).status_code == 404
    assert asks.delete(path, headers=others).status_code == 404
    assert asks.post(path, json={"data": rows()}, headers=own).status_code == 200


def test_streams_end_and_are_few() -> None:
    now = 0.0
    streams = Streams(Limits(streams=2, stream_seconds=10.0), lambda: now)
    (first, _), (second, _) = streams.open("m", ""), streams.open("m", "")
    assert first != second
    assert len(first) >= 32
    with pytest.raises(DataError, match="at most 2 streams must be open; close one by DELETE"):
        streams.open("m", "")
    now = 8.0
    assert streams.find(second, "") is not None
    now = 11.0
    assert streams.find(first, "") is None
    assert streams.find(second, "") is not None
    streams.open("m", "")


def test_all_streams_together_keep_few_rows(plain: Exported) -> None:
    model, streams = loaded(plain), Streams(Limits(stream_rows=50))
    _, one = streams.open("plain", "")
    _, other = streams.open("plain", "")
    streams.keep(one, one.with_rows(model, rows(0, 28)))
    with pytest.raises(DataError, match="streams must keep at most 50 rows together, got 56"):
        streams.keep(other, other.with_rows(model, rows(0, 28)))
    assert other.rows == 0
