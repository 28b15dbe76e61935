"""Nothing comes through without the token, the right name, and a bounded body."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from lockgate_runtime.serving.guard import Tokens
from serving_rows import TOKEN, rows


def test_every_route_but_health_and_readiness_needs_the_token(client: Any) -> None:
    asks = client(tokens=(TOKEN,))
    for path in ("/", "/page.js", "/schema", "/models", "/metrics", "/openapi.json", "/nothing"):
        answer = asks.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert asks.post("/predict", json={}).status_code == 401
    assert asks.get("/health").status_code == asks.get("/ready").status_code == 200
    basic = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()
    for header in (f"Bearer {TOKEN}", f"bearer  {TOKEN}", f"Basic {basic}"):
        assert asks.get("/models", headers={"authorization": header}).status_code == 200
    for header in (TOKEN, f"Bearer {TOKEN}x", "Bearer", "Basic !!", f"Digest {TOKEN}", "Basic é"):
        sent = {"authorization": header.encode()}
        assert asks.get("/models", headers=sent).status_code == 401, header


def test_tokens_are_kept_as_hashes_alone() -> None:
    tokens = Tokens([TOKEN])
    assert TOKEN not in repr(vars(tokens))
    assert tokens.owner(f"Bearer {TOKEN}".encode()) not in (None, TOKEN)


def test_another_host_name_is_refused(client: Any) -> None:
    asks = client()
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", ""):
        answer = asks.get("/models", headers={"host": host})
        assert answer.status_code == 421, host
        assert "Host must be one of localhost, got" in answer.json()["detail"]
    assert asks.get("/models", headers={"host": "LocalHost:8000"}).status_code == 200


def test_a_page_of_another_site_cannot_ask(client: Any) -> None:
    asks, sent = client(), {"data": rows()}
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        answer = asks.post("/predict?model=plain", json=sent, headers=headers)
        assert answer.status_code == 403, headers
    own = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}
    answer = asks.post("/predict?model=plain", json=sent, headers=own)
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_bodies_are_bounded_also_where_no_length_is_told(client: Any) -> None:
    asks = client(body_bytes=1_000)

    def parts() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    for body in (b" " * 1_001, parts()):
        answer = asks.post(
            "/predict?model=plain", content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 413
        assert answer.json()["detail"] == "a body must have at most 1,000 bytes, got more"


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30, "x"])
def test_lengths_that_are_none_are_refused(length: str, client: Any) -> None:
    answer = client().post(
        "/predict?model=plain", content=b"{}", headers={"content-length": length}
    )
    assert answer.status_code == 413


def test_packed_bodies_are_refused(client: Any) -> None:
    answer = client().post(
        "/predict?model=plain", content=b"\x1f\x8b", headers={"content-encoding": "gzip"}
    )
    assert answer.status_code == 415
    assert "Content-Encoding must be left out" in answer.json()["detail"]
