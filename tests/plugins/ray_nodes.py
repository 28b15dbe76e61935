"""A Ray cluster of several nodes on this machine, some of which can be killed."""

import os
import subprocess
import sys
from pathlib import Path


class Nodes:
    """A cluster on this machine, in a process of its own: Ray's clusters end with a process."""

    script = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
nodes = [cluster.add_node(num_cpus=int(sys.argv[2])) for _ in range(int(sys.argv[1]))]
print("address", cluster.address, flush=True)
for line in sys.stdin:
    if line.strip() == "node":
        cluster.remove_node(nodes.pop(), allow_graceful=False)
        cluster.add_node(num_cpus=1)
    if line.strip() == "head":
        cluster.head_node.kill_gcs_server()
    print("done", flush=True)
cluster.shutdown()
"""

    def __init__(
        self, home: Path, modules: Path | None = None, *, nodes: int = 2, processors: int = 1
    ) -> None:
        """Start a head without processors, and nodes that have some.

        Args:
            home: A folder in which Ray may keep what it keeps for a user.
            modules: A folder whose modules jobs may be of.
            nodes: How many.
            processors: Of each.
        """
        environment = {
            **os.environ,
            "RAY_AUTH_MODE": "disabled",
            "RAY_USAGE_STATS_ENABLED": "0",
            "HOME": str(home),
            "PYTHONPATH": os.pathsep.join(map(str, (modules or "", Path(__file__).parent))),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.script, str(nodes), str(processors)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.address = self._told().split()[1]

    def kill(self, what: str) -> None:
        """Kill a node, for which another comes, or the head."""
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        self._told()

    def end(self) -> None:
        """Stop the cluster."""
        with self._process:  # closes its pipes
            self._process.stdin.close()

    def _told(self) -> str:
        while line := self._process.stdout.readline():
            if line.startswith(("address", "done")):
                return line
        raise AssertionError("no cluster")
