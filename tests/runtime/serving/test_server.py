"""The process: it tells where it listens, needs a token where others reach it, and ends well."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from exported_models import Exported
from lockgate_runtime import DataError
from lockgate_runtime.serving.limits import Limits
from lockgate_runtime.serving.models import exported
from lockgate_runtime.serving.server import _bounded, serve, tokens_of
from serving_rows import TOKEN, rows

RUN = [sys.executable, "-m", "lockgate_runtime.serving.server"]
SOURCE = Path(serve.__code__.co_filename).parents[2]


@contextlib.contextmanager
def started(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the server; yield it and its address."""
    process = subprocess.Popen(
        [*RUN, *arguments, "--port", "0"],
        env={"PYTHONPATH": str(SOURCE), **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("serving "), line
        yield process, line.rsplit(" ", 1)[1].strip()
    finally:
        process.kill()
        process.communicate()


def ask(address: str, path: str, content: object, **headers: str) -> httpx.Response:
    for _ in range(100):
        with contextlib.suppress(httpx.ConnectError):
            return httpx.post(address + path, json=content, headers=headers, timeout=30)
        time.sleep(0.05)
    raise AssertionError("nobody answers")


def test_it_answers_and_ends_well_with_what_is_under_way(plain: Exported) -> None:
    with started(f"here={plain.folder}", LOCKGATE_TOKEN=TOKEN) as (process, address):
        assert address.startswith("http://127.0.0.1:")
        assert ask(address, "/predict", {"data": rows()}).status_code == 401
        own = {"authorization": f"Bearer {TOKEN}"}
        answer = ask(address, "/predict", {"data": rows()}, **own)
        assert answer.json()["model"] == "here"

        # a request whose body has not all come when the signal does is answered all the same
        body = httpx.Request("POST", address, json={"data": rows()}).content
        with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1]))) as open_one:
            head = (
                f"POST /predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            open_one.sendall(head.encode() + body[:100])
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            open_one.sendall(body[100:])
            assert open_one.makefile("rb").readline().startswith(b"HTTP/1.1 200")
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "host must be an address of this machine alone"),  # noqa: S104
        (["--token-file", "none"], "token-file must be a text with a token a line"),
        (["a/none"], "must be a folder that lockgate export wrote"),
    ],
)
def test_wrong_use_is_one_sentence(arguments: list[str], words: str, plain: Exported) -> None:
    done = subprocess.run(
        [*RUN, str(plain.folder), *arguments, "--port", "0"],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_port_that_is_taken_is_one_sentence(plain: Exported) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [*RUN, str(plain.folder), "--port", str(taken.getsockname()[1])],
            env={"PYTHONPATH": str(SOURCE)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "cannot be listened on: Address already in use" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_tokens_come_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"{TOKEN}\n\n  {TOKEN}-2 \n")
    assert tokens_of({"LOCKGATE_TOKEN": "ignored-" * 3}, file) == [TOKEN, f"{TOKEN}-2"]
    assert tokens_of({"LOCKGATE_TOKEN": TOKEN}, None) == [TOKEN]
    assert tokens_of({}, None) == tokens_of({"LOCKGATE_TOKEN": ""}, None) == []
    file.write_text("\n")
    with pytest.raises(DataError, match="must hold a token, got none"):
        tokens_of({}, file)
    with pytest.raises(DataError, match="LOCKGATE_TOKEN must have at least 16 characters"):
        tokens_of({"LOCKGATE_TOKEN": "short"}, None)


def test_others_are_served_with_a_token_alone(plain: Exported) -> None:
    for host in ("0.0.0.0", "::", "example.org", "10.0.0.1"):  # noqa: S104
        with pytest.raises(DataError, match="set LOCKGATE_TOKEN, or name a file by --token-file"):
            serve([exported("m", plain.folder)], host=host)


@pytest.fixture
def bounded() -> Iterator[int]:
    """The port of a server that is quick to give up."""

    async def app(scope, receive, send):  # type: ignore[no-untyped-def]
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    limits = Limits(header_seconds=0.3)
    config = uvicorn.Config(app, http=_bounded(limits), lifespan="off", log_level="error")
    listening, server = socket.create_server(("127.0.0.1", 0)), uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(10)


def ended(connection: socket.socket) -> bool:
    """Tell whether the server ends a connection within two seconds."""
    connection.settimeout(2)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def test_connections_without_headers_are_ended(bounded: int) -> None:
    for sent in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET /aaaa"):
        with socket.create_connection(("127.0.0.1", bounded)) as slow:
            slow.sendall(sent)
            assert ended(slow), sent
    with socket.create_connection(("127.0.0.1", bounded)) as whole:
        for _ in range(2):  # also the next request of a connection that is kept
            whole.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert whole.recv(4096).startswith(b"HTTP/1.1 204")
            time.sleep(0.5)


def test_headers_without_end_are_ended(bounded: int) -> None:
    with socket.create_connection(("127.0.0.1", bounded)) as flood:
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                flood.sendall(b"a: " + b"b" * 2**16 + b"\r\n" if _ else b"GET / HTTP/1.1\r\n")
        assert ended(flood)


def test_without_what_serves_the_command_tells_what_installs_it() -> None:
    code = "import sys; sys.modules['uvicorn'] = None\n"
    code += "from lockgate_runtime.serving import main; main()"

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
    )

    line = 'lockgate-serve needs uvicorn: pip install "lockgate-runtime[serve]"\n'
    assert (done.returncode, done.stderr) == (1, line)
