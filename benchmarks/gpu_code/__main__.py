"""Compile the GPU kernels for GPUs that need not be there, and tell what their code takes.

    python -m benchmarks.gpu_code

Every cell with a mask for each gate and with one for all, forward and backward, over batch and
hidden sizes, for compute capability 8.0 (A100) and 9.0 (H100), by the plan that would be chosen
there: registers and bytes of stack of each thread, as `cuobjdump` reads them off the machine code,
shared memory, and the tensor cores' instructions. Stack is where registers spill to. It writes
docs/benchmarks/gpu/code.md; `--quick` compiles a few and only prints.
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor

from benchmarks.common import command
from benchmarks.common.files import DOCS, write_whole
from benchmarks.gpu_code.cases import cases
from benchmarks.gpu_code.compile import Code, compile_case
from benchmarks.gpu_code.page import page

NAME = "gpu_code"
PAGE = DOCS / "gpu" / "code.md"


def main() -> None:
    """Compile, print, and write the page."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    args = parser.parse_args()
    os.environ.pop("TRITON_INTERPRET", None)
    found = []
    with ProcessPoolExecutor(args.processes) as pool:
        for code in pool.map(compile_case, cases(args.quick)):
            print(line(code), flush=True)
            found.append(code)
    if any(not code.fits for code in found):
        sys.exit("some kernels take more shared memory than the GPU has")
    if not args.quick:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        write_whole(PAGE, page(found))


def line(code: Code) -> str:
    """Say in a line what came of a kernel."""
    c = code.case
    return (
        f"{c.cell} {c.kernel} {c.mask_per} sm_{c.capability} {c.dtype} {c.precision} "
        f"B {c.B} H {c.H}: {code.plan}; {code.registers} registers, {code.stack} stack, "
        f"{code.shared} shared, {code.products}"
    )


if __name__ == "__main__":
    main()
