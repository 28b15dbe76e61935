"""Time an epoch of a text classifier: ours against Keras, both with recurrent dropout.

    python -m benchmarks.classifier

20,000 texts of at most 200 tokens, Embedding 64, a bidirectional LSTM 64, batches of 64. Ours is an
epoch of `lockgate.training.fit`, with its evaluation of a sample; Keras's is `fit` with
jit_compile=True on the same tokens, padded to 200. Each runs in a process of its own that waits
while the other runs, in rounds whose order turns round. Texts are once all of 200 tokens, and once
of 20 to 200, where ours pads a batch to its longest text alone. Both kinds together write
docs/benchmarks/classifier.md.
"""

import argparse
import os
import statistics

from benchmarks.classifier.epochs import KINDS, LONGEST, TEXTS
from benchmarks.classifier.page import page
from benchmarks.classifier.peer import Peer
from benchmarks.common import command
from benchmarks.common.files import DOCS, write_whole

NAME = "classifier"
PAGE = DOCS / "classifier.md"


def main() -> None:
    """Print the seconds of an epoch of both, and their ratio."""
    args = arguments()
    from lockgate.running.machine import environment

    print(environment())
    rows = [measured(kind, args) for kind in ([args.kind] if args.kind else KINDS)]
    if args.kind is None and args.texts == TEXTS:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        write_whole(PAGE, page(rows, environment(), args))


def measured(kind: str, args: argparse.Namespace) -> list[str]:
    """Time epochs of both in turns; return a row of the page."""
    taken = take_turns(kind, args)
    seconds = [f"{statistics.median(taken[name]):.1f}" for name in ("ours", "keras")]
    ratios = [k / o for k, o in zip(taken["keras"], taken["ours"], strict=True)]
    ratio = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
    print(f"{kind}: ours {seconds[0]} s, Keras {seconds[1]} s an epoch; ratio {ratio}")
    return [f"{KINDS[kind]} to {LONGEST}", *seconds, ratio]


def take_turns(kind: str, args: argparse.Namespace) -> dict[str, list[float]]:
    """Give the seconds of each round, by name."""
    peers = {name: Peer(name, kind, args.texts, args.threads) for name in ("ours", "keras")}
    taken: dict[str, list[float]] = {name: [] for name in peers}
    for turn in range(args.rounds):
        for name in sorted(peers, reverse=turn % 2 == 1):
            taken[name].append(peers[name].seconds())
    for peer in peers.values():
        peer.close()
    return taken


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = command.parser(NAME, __doc__)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--texts", type=int, default=TEXTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kind", choices=KINDS, help="of the two, one alone")
    return parser.parse_args()


if __name__ == "__main__":
    main()
