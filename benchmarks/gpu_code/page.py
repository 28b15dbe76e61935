"""The page of the machine code."""

import platform

from benchmarks.common import command
from benchmarks.common.markdown import table
from benchmarks.gpu_code.compile import Code

HEADER = (
    *("cell", "kernel", "mask per", "for sm", "type", "B", "H", "rows x units, programs"),
    *("registers", "stack", "shared, KiB", "products"),
)


def page(codes: list[Code]) -> str:
    """Write the page."""
    import torch
    import triton

    import lockgate

    spilling = [code for code in codes if code.stack > 0]
    large = [code for code in codes if not code.fits]
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
            table(HEADER, [_row(code) for code in codes]),
            "",
            f"`{command.called('gpu_code')}`: lockgate {lockgate.__version__}, "
            f"triton {triton.__version__}, torch {torch.__version__}, "
            f"python {platform.python_version()}.",
            "",
        ]
    )


def _row(code: Code) -> list[str]:
    c = code.case
    dtype = f"{c.dtype}, {c.precision}" if c.dtype == "fp32" else c.dtype
    sizes = (c.mask_per, c.capability, dtype, c.B, c.H, code.plan)
    usage = (code.registers, code.stack, f"{code.shared / 1024:.0f}", code.products)
    return [str(value) for value in (c.cell, c.kernel, *sizes, *usage)]
