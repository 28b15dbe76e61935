"""What is installed: with a compiler the CPU kernels too, without one all the rest."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from lockgate.ops import kernels

ROOT = Path(__file__).parents[1]
OPS = ROOT / "src" / "lockgate" / "ops"
SOURCES = [ROOT / "CMakeLists.txt", *OPS.glob("_cpu/*.cpp"), *OPS.glob("_cpu/*.h")]
SOURCES += OPS.glob("*/cpu.cpp")
# any of these could bring a compiler or an extension in by another way
HIDDEN = {"CC", "CXX", "CFLAGS", "CXXFLAGS", "CMAKE_ARGS", "CMAKE_TOOLCHAIN_FILE", "PYTHONPATH"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in HIDDEN}
# the distributions that build and run an extension in an environment of its own
TOOLS = ("cmake", "nanobind", "ninja", "scikit-build-core")
SHOW = """
import lockgate, torch
from lockgate.ops import kernels
layer = lockgate.nn.LSTM(3, 4, recurrent_dropout=0.5)
layer(torch.zeros(5, 2, 3))
print(lockgate.__file__, kernels.BUILT, layer.backend_report(torch.zeros(5, 2, 3)), sep="\\n")
"""


@pytest.mark.skipif(not kernels.BUILT, reason="lockgate is installed without kernels")
def test_kernels_are_not_older_than_their_sources():
    extension = Path(find_spec("lockgate.ops._kernels").origin)
    built = extension.stat().st_mtime

    newer = [str(path.relative_to(ROOT)) for path in SOURCES if path.stat().st_mtime > built]
    elsewhere = [path for path in OPS.glob("_kernels*.so") if path != extension]

    assert not newer, f"{extension} is stale: run `make kernels`"
    assert not elsewhere, f"{extension} runs and these do not: remove them"


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The source distribution of this tree."""
    pytest.importorskip("scikit_build_core", reason="`make` installs what builds lockgate")
    folder = tmp_path_factory.mktemp("sdist")
    code = f"from scikit_build_core.build import build_sdist; build_sdist({str(folder)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=ENVIRONMENT, check=True)
    return next(folder.iterdir())


def build(source, folder, *arguments, python=sys.executable, **environment):
    """Build a wheel without asking any server."""
    command = [python, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    command += ["--no-index", "--wheel-dir", folder, *arguments, source]
    return subprocess.run(
        command, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False
    )


def unpack(done, folder):
    """Lay the wheel that was built out as an installation does."""
    assert done.returncode == 0, done.stdout + done.stderr
    site = folder / "site"
    shutil.unpack_archive(next(folder.glob("*.whl")), site, "zip")
    return site


def show(site):
    """Run a layer there; without `site`, of whose files one is this tree's editable install."""
    path = os.pathsep.join(map(str, [site, Path(torch.__file__).parents[1]]))
    command = [sys.executable, "-S", "-c", SHOW]
    environment = ENVIRONMENT | {"PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    file, built, report = done.stdout.splitlines()
    assert Path(file).is_relative_to(site)
    return built, report


@pytest.mark.slow
def test_sdist_holds_sources_and_nothing_built(sdist):
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]

    assert {str(path.relative_to(ROOT)) for path in SOURCES} <= set(names)
    assert not [name for name in names if name.endswith((".so", ".pyc", ".o"))]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("c++"), reason="there is no C++ compiler")
def test_wheel_of_the_sdist_has_the_kernels_and_not_their_sources(sdist, tmp_path):
    site = unpack(build(sdist, tmp_path), tmp_path)

    built, report = show(site)

    assert built == "True"
    assert "forward: cpu" in report
    assert not [path for path in site.rglob("*") if path.suffix in {".cpp", ".h", ".a", ".o"}]
    assert not (site / "lockgate" / "ops" / "_cpu").exists()
    for name in ("py.typed", "reports/templates/study.html.j2"):
        assert (site / "lockgate" / name).exists()


@pytest.mark.slow
@pytest.mark.parametrize("without", ["compiler", "LOCKGATE_KERNELS"])
def test_without_kernels_the_package_is_installed_and_runs_on_torch(sdist, tmp_path, without):
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in filter(shutil.which, ("cmake", "ninja")):
        (bare / tool).symlink_to(shutil.which(tool))
    if without == "compiler":
        done = build(sdist, tmp_path, PATH=str(bare))
    else:
        done = build(sdist, tmp_path, "--config-settings=cmake.define.LOCKGATE_KERNELS=OFF")

    built, report = show(unpack(done, tmp_path))

    assert built == "False"
    assert "forward: reference (not cpu: it is not built" in report


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("c++"), reason="there is no C++ compiler")
def test_compile_error_is_an_error(sdist, tmp_path):
    shutil.unpack_archive(sdist, tmp_path, filter="data")
    source = next(tmp_path.glob("lockgate-*"))
    header = source / "src" / "lockgate" / "ops" / "_cpu" / "call.h"
    header.write_text("#error planted\n" + header.read_text(encoding="utf-8"), encoding="utf-8")

    done = build(source, tmp_path)

    assert done.returncode != 0
    assert "#error planted" in done.stdout + done.stderr


def interpreter(version):
    """Find another Python, on the PATH or of pyenv, or skip."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *versions.glob(f"{version}.*/bin/python")]
    for candidate in filter(None, candidates):
        command = [candidate, "-c", "import sys; print(*sys.version_info[:2], sep='.')"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return candidate
    return pytest.skip(f"there is no Python {version}")


def environment_of(python, folder, *packages):
    """Make an environment with those packages, or skip where they cannot be had."""
    subprocess.run([python, "-m", "venv", folder], env=ENVIRONMENT, check=True)
    own = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if packages and (said := install(own, *packages)):
        pytest.skip(f"{', '.join(packages)} cannot be had: {said.splitlines()[-1]}")
    return own


def install(python, *arguments):
    """Install something, and return what pip says where it cannot."""
    command = [python, "-m", "pip", "install", "--quiet", "--only-binary=:all:", *arguments]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    return done.stderr or "pip failed" if done.returncode else ""


@pytest.fixture(scope="module")
def abi3(sdist, tmp_path_factory):
    """The wheel that Python 3.12 builds."""
    if not shutil.which("c++"):
        pytest.skip("there is no C++ compiler")
    folder = tmp_path_factory.mktemp("abi3")
    python = environment_of(interpreter("3.12"), folder / "tools", *TOOLS)
    path = os.pathsep.join([str(python.parent), ENVIRONMENT["PATH"]])

    done = build(sdist, folder, python=python, PATH=path)

    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_wheel_of_python_3_12_is_for_all_that_come_later(abi3):
    with zipfile.ZipFile(abi3) as archive:
        extensions = [name for name in archive.namelist() if "_kernels." in name]

    assert "-cp312-abi3-" in abi3.name
    assert len(extensions) == 1
    assert ".cpython-" not in extensions[0]


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_kernels_of_that_wheel_compute_with_numpy_alone(abi3, tmp_path, version):
    python = environment_of(interpreter(version), tmp_path / "venv", "numpy")

    assert install(python, "--no-index", "--no-deps", str(abi3)) == ""
    script = Path(__file__).parent / "wheel_kernels.py"
    command = [python, "-W", "error", script]
    done = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    cells = [line.split()[0] for line in done.stdout.splitlines()]
    assert set(cells) == {"rnn", "lstm", "gru"}


@pytest.mark.slow
def test_runtime_is_installed_and_starts_without_torch(tmp_path):
    pytest.importorskip("hatchling", reason="`make` installs what builds the runtime")
    python = environment_of(sys.executable, tmp_path / "venv")
    done = build(ROOT / "runtime", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")

    if said := install(python, f"{wheel}[serve]"):
        pytest.skip(f"what the server needs cannot be had: {said.splitlines()[-1]}")
    code = "import lockgate_runtime, sys; assert 'torch' not in sys.modules"
    subprocess.run([python, "-W", "error", "-c", code], env=ENVIRONMENT, check=True)
    without = subprocess.run([python, "-c", "import torch"], capture_output=True, check=False)
    command = [python.parent / "lockgate-serve", "--help"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)

    assert without.returncode != 0
    assert "usage: lockgate-serve" in done.stdout
