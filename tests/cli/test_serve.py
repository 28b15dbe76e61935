"""`lockgate serve` says in a sentence why it does not serve."""

import pytest

pytest.importorskip("fastapi", reason='needs the extra "serve"')
pytest.importorskip("onnxscript", reason='needs the extra "serve"')


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "0.0.0.0"], "host must be an address of this machine alone"),  # noqa: S104
        (["--token-file", "none"], "token-file must be a text with a token a line"),
    ],
)
def test_wrong_use_is_one_sentence(options, words, lockgate, trained, monkeypatch):
    monkeypatch.delenv("LOCKGATE_TOKEN", raising=False)
    done = lockgate("serve", trained[1], *options)
    assert done.exit_code == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_two_models_of_one_name_are_refused(lockgate, trained):
    done = lockgate("serve", trained[1], trained[1])
    assert done.exit_code == 2
    assert "models must have names of their own" in done.stderr
