"""Compile one kernel, and read off its machine code what it takes."""

import importlib
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.gpu_code.cases import CAPABILITIES, Case

TYPES = {"bf16": 2, "fp16": 2, "fp32": 4}
INTEGERS = ("T", "B", "reverse", "first_row", "first", "last")
POINTERS = {"arrivals": "i32", "state": "fp32", "d_state": "fp32"}  # others: the type of x


class Code(NamedTuple):
    """What came of a kernel."""

    case: Case
    plan: str
    registers: int
    stack: int
    shared: int
    fits: bool
    products: str


def compile_case(case: Case) -> Code:
    """Compile one kernel as `launch` would."""
    import triton
    from triton.backends.compiler import GPUTarget

    from lockgate.ops._triton import launch
    from lockgate.ops._triton.plan import Device, choose

    gates = launch.GATES[case.cell]
    device = Device(*CAPABILITIES[case.capability])
    copies = gates.of_h if case.mask_per == "gate" or case.kernel == "backward" else 1
    plan = choose(case.B, case.H, gates.of_h, copies, TYPES[case.dtype], device)
    compiled = triton.compile(
        _source(case, _constants(case, plan, copies)),
        target=GPUTarget("cuda", case.capability, 32),
        options={"num_warps": plan.warps, "num_stages": 1},
    )
    registers, stack = _usage(compiled.asm["cubin"])
    assembly = compiled.asm["ptx"]
    products = "wgmma" if "wgmma" in assembly else "mma" if "mma.sync" in assembly else "none"
    tile = f"{plan.rows} x {plan.units}, {plan.programs} x {plan.blocks}"
    return Code(
        case,
        tile + (", held" if plan.held else ""),
        registers,
        stack,
        compiled.metadata.shared,
        compiled.metadata.shared <= device.shared_memory,
        products,
    )


def _constants(case: Case, plan: Any, copies: int) -> dict[str, Any]:
    """Give the arguments of a kernel that are known when it is compiled."""
    from lockgate.ops._triton import launch

    cell = importlib.import_module(f"lockgate.ops.{case.cell}.operator").CELL
    step, step_backward = importlib.import_module(f"lockgate.ops.{case.cell}.triton").STEPS["tanh"]
    gates, forward = launch.GATES[case.cell], case.kernel == "forward"
    constants: dict[str, Any] = {
        "H": case.H,
        "STEP": step if forward else step_backward,
        "GATES": gates.of_h,
        "STATES": 1 + cell.has_c,
        "SAVED": cell.saved,
        "DELTAS": gates.deltas,
        "COPIES": copies,
        "PRECISION": case.precision,
        "ROWS": plan.rows,
        "UNITS": plan.units,
        "CHUNK": plan.chunk,
        "HELD": plan.held,
        "PROGRAMS": plan.programs,
        "valid": None,
    }
    if not cell.has_c:
        constants["c_0"] = None
    if forward and not cell.saved:
        constants["saved"] = None
    return constants


def _source(case: Case, constants: dict[str, Any]) -> Any:
    """Give a kernel with the types of its arguments."""
    from triton.compiler import ASTSource

    from lockgate.ops._triton import walk

    kernel = getattr(walk, case.kernel)
    signature = {name: _type(name, case.dtype, constants) for name in kernel.arg_names}
    at = {name: (kernel.arg_names.index(name),) for name in constants if name in kernel.arg_names}
    # as at run time, where Triton sees that torch's memory begins at multiples of 16 bytes
    aligned = {
        (kernel.arg_names.index(name),): [["tt.divisibility", 16]]
        for name, kind in signature.items()
        if kind.startswith("*")
    }
    return ASTSource(
        fn=kernel,
        signature=signature,
        constexprs={place: constants[name] for name, place in at.items()},
        attrs=aligned,
    )


def _type(name: str, dtype: str, constants: dict[str, Any]) -> str:
    """Give the type of an argument of a kernel, as Triton writes it."""
    if name in constants:
        return "constexpr"
    if name in INTEGERS:
        return "i32"
    if name.startswith("mask_"):
        return "i64"
    return f"*{POINTERS.get(name, dtype)}"


def _usage(cubin: bytes) -> tuple[int, int]:
    """Read the registers and the stack of a thread off machine code."""
    import triton

    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [tool, "-res-usage", file.name]
        told = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    # the last entry of a table of functions, which begins with a common part
    registers, stack = re.findall(r"REG:(\d+) STACK:(\d+)", told.stdout)[-1]
    return int(registers), int(stack)
