"""Compile the GPU kernels for GPUs that need not be there, and tell what their code takes.

    python -m benchmarks.gpu_code

Every cell with a mask for each gate and with one for all, forward and backward, over batch and
hidden sizes, for compute capability 8.0 (A100) and 9.0 (H100), by the plan that would be chosen
there: registers and bytes of stack of each thread, as `cuobjdump` reads them off the machine code,
shared memory, and the tensor cores' instructions. Stack is where registers spill to. It writes
docs/benchmarks/gpu/code.md; `--quick` compiles a few and only prints.
"""

import importlib
import itertools
import os
import platform
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.common import command
from benchmarks.common.files import DOCS, write_whole
from benchmarks.common.markdown import table

NAME = "gpu_code"
PAGE = DOCS / "gpu" / "code.md"
CAPABILITIES = {80: (108, 163 * 1024), 90: (132, 227 * 1024)}  # multiprocessors, shared memory
TYPES = {"bf16": 2, "fp16": 2, "fp32": 4}
BATCHES, HIDDEN = (16, 256), (64, 128, 256, 512, 1024)


class Case(NamedTuple):
    """A kernel to compile."""

    cell: str
    kernel: str
    capability: int
    dtype: str
    B: int
    H: int
    mask_per: str  # "gate" or "cell"
    precision: str = "tf32"  # of float32


class Code(NamedTuple):
    """What came of it."""

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
    from triton.compiler import ASTSource

    from lockgate.ops._triton import launch, walk
    from lockgate.ops._triton.plan import Device, choose

    cell = importlib.import_module(f"lockgate.ops.{case.cell}.operator").CELL
    gates = launch.GATES[case.cell]
    device = Device(*CAPABILITIES[case.capability])
    forward = case.kernel == "forward"
    copies = gates.of_h if case.mask_per == "gate" or not forward else 1
    plan = choose(case.B, case.H, gates.of_h, copies, TYPES[case.dtype], device)
    step, step_backward = importlib.import_module(f"lockgate.ops.{case.cell}.triton").STEPS["tanh"]
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
    floats, integers = ("state", "d_state"), ("T", "B", "reverse", "first_row", "first", "last")
    signature = {}
    kernel = getattr(walk, case.kernel)
    for name in kernel.arg_names:
        if name in constants:
            signature[name] = "constexpr"
        elif name in integers:
            signature[name] = "i32"
        elif name.startswith("mask_"):
            signature[name] = "i64"
        else:
            pointers = {"arrivals": "i32", **dict.fromkeys(floats, "fp32")}
            signature[name] = f"*{pointers.get(name, case.dtype)}"
    at = {name: (kernel.arg_names.index(name),) for name in constants if name in kernel.arg_names}
    # as at run time, where Triton sees that torch's memory begins at multiples of 16 bytes
    aligned = {
        (kernel.arg_names.index(name),): [["tt.divisibility", 16]]
        for name, kind in signature.items()
        if kind.startswith("*")
    }
    source = ASTSource(
        fn=kernel,
        signature=signature,
        constexprs={place: constants[name] for name, place in at.items()},
        attrs=aligned,
    )
    compiled = triton.compile(
        source,
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


def cases(quick: bool) -> list[Case]:
    """List the kernels to compile."""
    if quick:
        return [
            Case(cell, kernel, capability, "bf16", 16, 64, "gate")
            for cell in ("rnn", "lstm", "gru")
            for kernel in ("forward", "backward")
            for capability in CAPABILITIES
        ]
    kinds = [("bf16", 80, "tf32"), ("bf16", 90, "tf32"), ("fp32", 90, "tf32"), ("fp32", 90, "ieee")]
    walks = [("forward", "gate"), ("forward", "cell"), ("backward", "gate")]
    return [
        Case(cell, kernel, capability, dtype, B, H, mask_per, precision)
        for cell, (dtype, capability, precision), H, B, (kernel, mask_per) in itertools.product(
            ("lstm", "gru", "rnn"), kinds, HIDDEN, BATCHES, walks
        )
        # for an RNN, a mask for the gate and one for the cell are the same
        if not (cell == "rnn" and mask_per == "cell")
    ]


def page(codes: list[Code]) -> str:
    """Write the page."""
    import torch
    import triton

    spilling = [code for code in codes if code.stack > 0]
    large = [code for code in codes if not code.fits]
    header = (
        *("cell", "kernel", "mask per", "for sm", "type", "B", "H", "rows x units, programs"),
        *("registers", "stack", "shared, KiB", "products"),
    )
    rows = []
    for code in codes:
        c = code.case
        dtype = f"{c.dtype}, {c.precision}" if c.dtype == "fp32" else c.dtype
        sizes = (c.mask_per, c.capability, dtype, c.B, c.H, code.plan)
        usage = (code.registers, code.stack, f"{code.shared / 1024:.0f}", code.products)
        rows.append([str(value) for value in (c.cell, c.kernel, *sizes, *usage)])
    worst = max((code.stack for code in codes), default=0)
    return "\n".join(
        [
            "# The machine code of the GPU kernels",
            "",
            "Compiled ahead of time, on a machine without a GPU: **no time has been measured**. "
            "What stands here says that the kernels compile, fit into the shared memory of the "
            "GPU, and how far their registers suffice. Stack, in bytes of each thread, is what "
            "does not fit into registers, and what the compiler keeps there for other reasons.",
            "",
            f"{len(codes)} kernels: {len(large)} take more shared memory than there is, "
            f"{len(spilling)} use the stack, at most {worst} bytes.",
            "",
            table(header, rows),
            "",
            f"`python -m benchmarks.gpu_code`: lockgate {_version()}, triton {triton.__version__}, "
            f"torch {torch.__version__}, python {platform.python_version()}.",
            "",
        ]
    )


def _version() -> str:
    import lockgate

    return lockgate.__version__


def main() -> None:
    """Compile, print, and write the page."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    os.environ.pop("TRITON_INTERPRET", None)
    found = []
    with ProcessPoolExecutor(arguments.processes) as pool:
        for code in pool.map(compile_case, cases(arguments.quick)):
            c = code.case
            print(
                f"{c.cell} {c.kernel} {c.mask_per} sm_{c.capability} {c.dtype} {c.precision} "
                f"B {c.B} H {c.H}: "
                f"{code.plan}; {code.registers} registers, {code.stack} stack, "
                f"{code.shared} shared, {code.products}",
                flush=True,
            )
            found.append(code)
    if any(not code.fits for code in found):
        sys.exit("some kernels take more shared memory than the GPU has")
    if not arguments.quick:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        write_whole(PAGE, page(found))


if __name__ == "__main__":
    main()
