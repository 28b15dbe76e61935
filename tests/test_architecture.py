"""A part imports only the parts below it, no files import in a circle, and what is light stays so.

Nothing that Windows lacks is asked for while the package or the runtime is imported.

The parts and their order are those of the table in docs/design.md.
"""

import ast
import fnmatch
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "lockgate"
DESIGN = ROOT / "docs" / "design.md"
FILES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path != PACKAGE / "__init__.py" and len(ast.parse(path.read_text()).body) > 1
)
NAMES = [path.relative_to(PACKAGE).as_posix() for path in FILES]
# a task is a folder of `tasks` with a `task.py`: nobody but itself and the doors may import it
TASKS = sorted(path.parent.name for path in PACKAGE.glob("tasks/*/task.py"))
DOORS = ("estimators", "api.py", "fitted.py", "cli")
# what may be imported by a config.py beside the standard library and other config.py files
OF_CONFIGS = {"pydantic", "pydantic.fields", "lockgate.errors"}
# source files without a test file of their own, each pattern with the reason
UNTESTED = {
    "cli/show_tuning.py": "tests/cli/test_tune.py reads what it prints",
    "cli/evaluate.py": "it prints what tests/cli/test_predict.py and test_labels.py ask it for",
    "nn/gru.py": "tests/nn/conftest.py lists the layers, whose tests run for each",
    "nn/lstm.py": "likewise",
    "nn/rnn.py": "likewise",
    "nn/state.py": "tests/nn/test_stateful.py, test_recurrent.py and test_stepper.py give states",
    "ops/_triton/walk.py": "it holds kernels, which tests/ops/test_triton.py runs",
    "ops/*/aten.py": "tests/ops/test_{lstm,gru,rnn}.py run every backend beside the reference",
    "ops/*/reference.py": "tests/ops/test_{lstm,gru,rnn}.py write each out by hand, and ask torch",
    "ops/*/triton.py": "tests/ops/test_triton.py runs the kernels of every cell",
    "tasks/base.py": "it says what a task is; all else in it puts values together",
    "tasks/forecasting/checks.py": "tests/tasks/forecasting/test_fitted.py plants each fault",
    "tasks/labelling/sources/sequence_columns.py": "tests of each form of sequences name them",
    "tasks/labelling/sources/text_sources.py": "test_texts.py beside it reads each form",
}


def parts_of_the_design() -> list[str]:
    """Read the parts from the first column of the design's table, from the ground up."""
    text = DESIGN.read_text(encoding="utf-8")
    table = text[text.index("| part | holds |") :].split("\n\n")[0]
    return re.findall(r"`([\w./]+)`", "\n".join(row.split("|")[1] for row in table.splitlines()))


ORDER = parts_of_the_design()


def place(name: str) -> int:
    """Return the place of a file, or of what it lies in, among the parts: the closest counts."""
    for part in (name, *(f"{parent}/" for parent in Path(name).parents)):
        if part in ORDER:
            return ORDER.index(part)
    raise AssertionError(f"{name} must have a place in the table of {DESIGN.name}")


def file_of(module: str) -> str | None:
    """Return the file of a module of the package, if there is one."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.exists() and candidate != PACKAGE / "__init__.py":
            return candidate.relative_to(PACKAGE).as_posix()
    return None


def modules_in(source: str) -> Iterator[str]:
    """Yield what a source imports anywhere, in functions and for types too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = node.module.startswith("lockgate") and file_of(whole)
                yield whole if is_module else node.module


@cache
def imports() -> dict[str, set[str]]:
    """Return the files of the package that each of them imports."""
    found = {}
    for path, name in zip(FILES, NAMES, strict=True):
        modules = set(modules_in(path.read_text(encoding="utf-8")))
        files = {file_of(module) for module in modules if module.startswith("lockgate.")}
        found[name] = {file for file in files if file is not None and file != name}
    return found


def upward(graph: dict[str, set[str]]) -> list[str]:
    """List the imports of a part that lies above."""
    return [f"{a} -> {b}" for a, bs in graph.items() for b in bs if place(b) > place(a)]


def across_tasks(graph: dict[str, set[str]]) -> list[str]:
    """List the imports of a task's folder by another task, or by what serves every task."""

    def task(name: str) -> str | None:
        parts = Path(name).parts
        return parts[1] if parts[0] == "tasks" and parts[1] in TASKS else None

    return [
        f"{a} -> {b}"
        for a, bs in graph.items()
        for b in bs
        if task(b) and task(a) != task(b) and Path(a).parts[0] not in DOORS
    ]


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return the files of one circle of imports, if there is any."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph.get(name, ())):
            if found := visit(other, [*way, name]):
                return found
        done.add(name)
        return []

    return next((found for name in graph if (found := visit(name, []))), [])


def test_every_file_has_a_place() -> None:
    assert [name for name in NAMES if place(name) < 0] == []
    for part in ORDER:
        assert (PACKAGE / part).exists(), f"{part} of the design's table must exist"


def test_parts_import_only_parts_below_them() -> None:
    assert upward(imports()) == []


def test_task_folders_are_apart() -> None:
    assert len(TASKS) > 1
    assert across_tasks(imports()) == []


def test_no_files_import_in_a_circle() -> None:
    assert circle(imports()) == []


def test_a_fault_would_be_seen() -> None:
    one, other = (f"tasks/{task}/task.py" for task in TASKS[:2])
    planted = {name: set(files) for name, files in imports().items()}
    planted["training/fit.py"].add("studies/plan.py")
    planted["tasks/base.py"].add("tasks/registry.py")
    planted[one].add(other)
    planted["reports/pages.py"].add(one)
    planted["files.py"].add("errors.py")
    planted["errors.py"].add("files.py")

    assert set(upward(planted)) >= {
        "training/fit.py -> studies/plan.py",
        "tasks/base.py -> tasks/registry.py",
    }
    assert set(across_tasks(planted)) == {f"{one} -> {other}", f"reports/pages.py -> {one}"}
    assert {*circle({n: planted[n] for n in ("errors.py", "files.py")})} == {
        "errors.py",
        "files.py",
    }


def test_settings_need_no_library_but_pydantic() -> None:
    for path in PACKAGE.rglob("config.py"):
        modules = set(modules_in(path.read_text(encoding="utf-8"))) - OF_CONFIGS
        own = {name for name in modules if not name.endswith("config")}
        others = {name.split(".")[0] for name in own} - sys.stdlib_module_names
        assert not others, f"{path} must not import {sorted(others)}"


def has_logic(path: Path) -> bool:
    """Tell whether a function or a method of a file does something; those of protocols do not."""

    def is_idle(line: ast.stmt) -> bool:
        return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)

    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    )
    return any(not all(map(is_idle, function.body)) for function in functions)


def test_every_file_with_logic_has_its_test_file() -> None:
    lacking = []
    for path, name in zip(FILES, NAMES, strict=True):
        mirrored = ROOT / "tests" / Path(name).parent / f"test_{path.name}"
        if path.name != "__init__.py" and has_logic(path) and not mirrored.exists():
            lacking.append(name)

    excused = {pattern: fnmatch.filter(NAMES, pattern) for pattern in UNTESTED}
    assert sorted(lacking) == sorted(name for names in excused.values() for name in names)
    assert [pattern for pattern, names in excused.items() if not names] == []


WORKBENCH = {"polars", "pandas", "lightning_fabric", "pydantic", "typer", "plotly", "sklearn"}
WORKBENCH |= {"optuna"}
# what is done one after the other, and the libraries that are still not loaded then
LIGHT = {
    "import lockgate": {"torch", "numpy"} | WORKBENCH,
    "from lockgate import nn; nn.LSTM(2, 3)": WORKBENCH,
    "; ".join(f"import lockgate.tasks.{task}.fitted" for task in TASKS): {
        *("lightning_fabric", "joblib", "pandas", "sklearn", "statsmodels", "plotly", "jinja2"),
        "optuna",
    },
}


def test_layers_need_only_torch_and_a_model_is_loaded_without_what_trains_and_judges() -> None:
    show = "print(*{name.split('.')[0] for name in sys.modules})"
    script = "\n".join(["import sys", *(f"{code}\n{show}" for code in LIGHT)])

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    for loaded, (code, heavy) in zip(done.stdout.splitlines(), LIGHT.items(), strict=True):
        assert not heavy & set(loaded.split()), code


# what Windows lacks of the standard library: modules, and names in modules that it has
POSIX_MODULES = {"crypt", "curses", "fcntl", "grp", "nis", "ossaudiodev", "posix", "pty", "pwd"}
POSIX_MODULES |= {"readline", "resource", "spwd", "syslog", "termios", "tty"}
POSIX_NAMES = {
    "mmap": "MAP_ANONYMOUS MAP_PRIVATE MAP_SHARED PROT_READ PROT_WRITE",
    "os": "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK WNOHANG chown chroot confstr fchown fork "
    "forkpty getegid geteuid getgid getgroups getloadavg getpgid getpgrp getresuid getsid getuid "
    "initgroups killpg lchown memfd_create mkfifo mknod nice openpty posix_fadvise posix_fallocate "
    "posix_spawn pread preadv pwrite pwritev register_at_fork sched_getaffinity sched_setaffinity "
    "sched_yield sendfile setgid setpgid setsid setuid statvfs sysconf tcgetpgrp ttyname uname "
    "wait wait3 wait4 waitid",
    "select": "epoll kqueue poll",
    "signal": "ITIMER_REAL SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP "
    "SIGTTIN SIGTTOU SIGUSR1 SIGUSR2 SIGWINCH alarm pause pthread_kill pthread_sigmask setitimer "
    "siginterrupt sigtimedwait sigwait sigwaitinfo",
    "socket": "AF_NETLINK AF_UNIX SO_REUSEPORT recv_fds send_fds",
    "time": "CLOCK_MONOTONIC CLOCK_REALTIME clock_getres clock_gettime clock_gettime_ns tzset",
}
# a condition that names one of these asks where it runs; a handler of one of those falls back
ASKS_FOR_PLATFORM = re.compile(r"sys\.platform|os\.name|platform\.system|hasattr|TYPE_CHECKING")
FALLS_BACK = re.compile(r"ImportError|ModuleNotFoundError|AttributeError|Exception")


def run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is run when a file is imported, on Windows too."""
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        of_call = (
            node.decorator_list + node.args.defaults + list(filter(None, node.args.kw_defaults))
        )
        children: list[ast.AST] = [*of_call]
    elif isinstance(node, ast.Lambda):
        children = [*node.args.defaults]
    elif isinstance(node, ast.If) and ASKS_FOR_PLATFORM.search(ast.unparse(node.test)):
        children = [*node.orelse]
    elif isinstance(node, ast.Try) and any(
        handler.type is None or FALLS_BACK.search(ast.unparse(handler.type))
        for handler in node.handlers
    ):
        children = [*node.handlers, *node.orelse, *node.finalbody]
    else:
        children = [*ast.iter_child_nodes(node)]
    for child in children:
        yield from run_at_import(child)


def lacking_on_windows(source: str) -> list[str]:
    """List what the import of a source asks of the standard library and Windows does not have."""
    lacking = []
    for node in run_at_import(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = [f"{node.value.id}.{node.attr}"]
        for name in names:
            module, _, rest = name.partition(".")
            imported = not isinstance(node, ast.Attribute)
            if (imported and module in POSIX_MODULES) or rest in POSIX_NAMES.get(
                module, ""
            ).split():
                lacking.append(name)
    return lacking


def test_import_asks_for_nothing_that_windows_lacks() -> None:
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "runtime" / "src").rglob("*.py")]
    found = {path: lacking_on_windows(path.read_text(encoding="utf-8")) for path in files}

    assert len(files) > len(FILES)
    assert {path: names for path, names in found.items() if names} == {}


def unasked_on_windows(source: str) -> list[str]:
    """List the names that Windows lacks and a source uses, in functions too, without asking."""
    return [
        name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.attr in POSIX_NAMES.get(node.value.id, "").split()
        and f'hasattr({node.value.id}, "{node.attr}")' not in source
        for name in [f"{node.value.id}.{node.attr}"]
    ]


def test_functions_ask_for_what_windows_lacks_before_they_use_it() -> None:
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "runtime" / "src").rglob("*.py")]
    found = {path: unasked_on_windows(path.read_text(encoding="utf-8")) for path in files}

    assert {path: names for path, names in found.items() if names} == {}
    assert unasked_on_windows("import os\ndef user(): return os.getuid()") == ["os.getuid"]


def test_what_windows_lacks_would_be_seen() -> None:
    asked = {
        "import fcntl": ["fcntl"],
        "if True:\n    from curses import ascii": ["curses.ascii"],
        "try:\n    import pwd\nfinally:\n    pass": ["pwd"],
        "import os\nos.register_at_fork(before=print)": ["os.register_at_fork"],
        "import signal\ndef stop(how=signal.SIGKILL): pass": ["signal.SIGKILL"],
        "from os import fork": ["os.fork"],
        "import os\nclass Lock:\n    flags = os.O_NOFOLLOW": ["os.O_NOFOLLOW"],
        "try:\n    import fcntl\nexcept ImportError:\n    import grp": ["grp"],
    }
    unasked = [
        "def lock(): import fcntl",
        "try:\n    import fcntl\nexcept ImportError:\n    fcntl = None",
        "import os, sys\nif sys.platform != 'win32':\n    os.register_at_fork(before=print)",
        "import signal\nstop = lambda: signal.SIGKILL",
    ]

    assert {source: lacking_on_windows(source) for source in asked} == asked
    assert [source for source in unasked if lacking_on_windows(source)] == []
