"""A server answers as the model does, whatever a request comes as, and says why it does not."""

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from exported_models import Exported, hourly
from serving_rows import loaded, of_shops, rows, told


def test_a_forecast_is_the_model_s_from_json_csv_parquet_and_rows(
    client: Any, plain: Exported
) -> None:
    asks, data = client(), rows()
    wanted = told(loaded(plain).predict(data))
    lines = pl.DataFrame(data)
    parquet = io.BytesIO()
    hourly()[:60].write_parquet(parquet)
    bodies = {
        "columns": (json.dumps({"data": data}), "application/json"),
        "rows": (json.dumps({"data": lines.to_dicts()}), "application/json; charset=utf-8"),
        "csv": (lines.write_csv(), "text/csv"),
        "semicolons": (lines.write_csv(separator=";"), "text/csv"),
        "parquet": (parquet.getvalue(), "application/vnd.apache.parquet"),
    }
    for name, (body, kind) in bodies.items():
        answer = asks.post("/predict?model=plain", content=body, headers={"content-type": kind})
        assert answer.status_code == 200, (name, answer.text)
        found = answer.json()
        assert found["model"] == "plain"
        assert found["prediction"] == wanted, name


def test_an_answer_comes_as_csv_where_that_is_asked_for(client: Any, plain: Exported) -> None:
    answer = client().post(
        "/predict?model=plain", json={"data": rows()}, headers={"accept": "text/csv"}
    )
    lines = list(csv.reader(io.StringIO(answer.text)))
    wanted = told(loaded(plain).predict(rows()))
    assert lines[0] == list(wanted)
    assert [float(line[lines[0].index("forecast")]) for line in lines[1:]] == wanted["forecast"]


def test_several_series_with_what_is_known_ahead(client: Any, several: Exported) -> None:
    data, future = of_shops()
    answer = client().post("/predict?model=shops", json={"data": data, "future": future})
    assert answer.status_code == 200, answer.text
    assert answer.json()["prediction"] == told(loaded(several).predict(data, future))


def test_requests_that_come_together_each_get_their_own_answer(
    client: Any, plain: Exported
) -> None:
    asks, model = client(), loaded(plain)
    asked = [rows(first) for first in range(12)] + [{"ds": ["x"], "y": [1.0], "x": [1.0]}]

    def ask(data: dict[str, Any]) -> Any:
        return asks.post("/predict?model=plain", json={"data": data})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, asked))
    for data, answer in zip(asked[:-1], answers[:-1], strict=True):
        wanted = told(model.predict(data))["forecast"]
        assert answer.json()["prediction"]["forecast"] == pytest.approx(wanted, rel=1e-6)
    assert answers[-1].status_code == 422
    assert "'ds' must hold stamps by ISO 8601" in answers[-1].json()["detail"]


def test_texts_are_labelled(client: Any, labelled: Path) -> None:
    asks = client(folders={"reviews": labelled})
    found = asks.post("/predict", json={"texts": ["a good film", ""]}).json()["prediction"]
    assert set(found["label"]) <= {"pos", "neg"}
    assert found["note"] == ["", "blank"]
    table = {"content-type": "text/csv"}
    assert asks.post("/predict", content="text\na good film\n", headers=table).json()["prediction"][
        "probability_pos"
    ] == pytest.approx(found["probability_pos"][:1], rel=1e-6)
    refused = asks.post("/streams", json={})
    assert refused.status_code == 422
    assert "a stream must be of a model that forecasts, got 'reviews'" in refused.text


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        ({"data": {"ds": ["2024-01-01T00:00:00"]}}, 422, "data must have the columns"),
        ({"data": 3}, 422, "data must be an object of columns, each a list"),
        ({"rows": []}, 422, "the body must have the fields 'data', 'future', got 'rows'"),
        ({}, 422, "the body must have the field 'data', got none"),
        ([], 422, "the body must be a JSON object"),
        ({"data": {"ds": [], "y": [], "x": []}}, 422, "data must hold rows, got none"),
        ({"data": {"ds": [[1]], "y": [1.0], "x": [1]}}, 422, "must hold single values, got lists"),
        ({"data": {"ds": ["a"] * 101, "y": [1] * 101}}, 422, "at most 100 rows, got 101"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    content: Any, status: int, words: str, client: Any
) -> None:
    answer = client(rows=100).post("/predict?model=plain", json=content)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


def test_models_are_named_where_there_are_several(client: Any) -> None:
    asks = client()
    unnamed, unknown = asks.get("/schema"), asks.get("/schema?model=other")
    for answer in (unnamed, unknown):
        assert answer.status_code == 422
        assert "model must be one of 'plain', 'shops', got" in answer.json()["detail"]
    assert "got none; name it: ?model=NAME" in unnamed.json()["detail"]
    assert [one["model"] for one in asks.get("/models").json()["models"]] == ["plain", "shops"]


def test_other_kinds_paths_and_methods_are_told(client: Any) -> None:
    asks = client()
    form = asks.post("/predict?model=plain", data={"a": "b"})
    assert (form.status_code, "Content-Type must be one of application/json" in form.text) == (
        415,
        True,
    )
    for path in ("/nothing", "/models/"):
        assert asks.get(path, follow_redirects=False).status_code == 404
    assert asks.get("/predict").status_code == 405


def test_the_example_of_every_model_is_answered_as_it_stands(client: Any, labelled: Path) -> None:
    asks = client()
    described = asks.get("/openapi.json").json()
    examples = described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert set(examples["examples"]) == {"plain", "shops"}
    for name, example in examples["examples"].items():
        answer = asks.post(f"/predict?model={name}", json=example["value"])
        assert answer.status_code == 200, answer.text
    reviews = client(folders={"reviews": labelled})
    assert (
        reviews.post("/predict", json=reviews.get("/schema").json()["example"]).status_code == 200
    )


def test_health_readiness_and_counts(client: Any) -> None:
    asks = client()
    assert asks.get("/health").json() == {"status": "ok"}
    assert asks.get("/ready").json() == {"status": "ready"}
    asks.post("/predict?model=plain", json={"data": rows()})
    asks.get("/wherever")
    counts = asks.get("/metrics").text
    assert 'lockgate_requests_total{route="/predict",status="200"} 1.0' in counts
    assert 'lockgate_requests_total{route="other",status="404"} 1.0' in counts
    assert "lockgate_batch_requests_count 1.0" in counts
    assert "lockgate_streams 0.0" in counts


def test_the_page_loads_nothing_of_other_hosts(client: Any) -> None:
    asks = client()
    page = asks.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for path in ("/", "/page.js", "/page.css"):
        text = asks.get(path).text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text
