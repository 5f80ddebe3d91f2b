"""How a pipeline is served: replicas, their size, and when there are more of them."""

import copy
import json
import os
from typing import Any


class DeploymentConfigBuilder:
    """Writes what `deploy` takes as `deployment_config`; `build()` ends it.

    It begins with the JSON object in the environment variable DEPLOYMENT_CONFIG, if there is one:
    `replicas`, `cpus`, `memory`, `autoscale`.
    """

    def __init__(self, workspace_id: int | None = None) -> None:
        self._engine: dict[str, Any] = {}
        self._balancer: dict[str, Any] = {}
        self._workspace_id = workspace_id
        given = json.loads(os.environ.get("DEPLOYMENT_CONFIG") or "{}")
        if "replicas" in given:
            self.replica_count(given["replicas"])
        if "cpus" in given:
            self.cpus(given["cpus"])
        if "memory" in given:
            self.memory(given["memory"])
        if "autoscale" in given:
            self._engine["autoscale"] = dict(given["autoscale"])

    def replica_count(self, count: int) -> "DeploymentConfigBuilder":
        """Serve with so many replicas; the default is 1."""
        self._engine["replicas"] = count
        return self

    def cpus(self, core_count: float) -> "DeploymentConfigBuilder":
        """Give each replica so many cpus."""
        self._engine["cpu"] = core_count
        return self._resource(self._engine, "cpu", core_count)

    def memory(self, memory_spec: str) -> "DeploymentConfigBuilder":
        """Give each replica so much memory, such as `512Mi` or `1Gi`."""
        return self._resource(self._engine, "memory", memory_spec)

    def replica_autoscale_min_max(
        self, maximum: int, minimum: int = 0
    ) -> "DeploymentConfigBuilder":
        """Let the number of replicas follow the load, between these.

        With 0 an idle pipeline has none; the next request waits until one has started. Raises
        ValueError when the smaller number does not come second.
        """
        if not 0 <= minimum <= maximum:
            raise ValueError(f"minimum, maximum: {minimum} to {maximum} replicas; at least 0")
        scaling = self._autoscale()
        scaling["replica_min"], scaling["replica_max"] = minimum, maximum
        scaling.setdefault("type", "cpu")
        return self

    def autoscale_cpu_utilization(
        self, cpu_utilization_percentage: int
    ) -> "DeploymentConfigBuilder":
        """Scale so that replicas use about so much of their cpus, in percent."""
        self._autoscale()["cpu_utilization"] = cpu_utilization_percentage
        return self

    def scale_up_queue_depth(self, queue_depth: int) -> "DeploymentConfigBuilder":
        """Scale by requests instead: start a replica when more than so many are open for each."""
        scaling = self._autoscale()
        scaling["type"], scaling["scale_up_queue_depth"] = "queue", queue_depth
        scaling.setdefault("scale_down_queue_depth", 1)
        return self

    def scale_down_queue_depth(self, queue_depth: int) -> "DeploymentConfigBuilder":
        """Stop a replica when fewer requests are open for each.

        Raises ValueError before `scale_up_queue_depth`.
        """
        self._by_queue("scale_down_queue_depth")["scale_down_queue_depth"] = queue_depth
        return self

    def autoscaling_window(self, window_seconds: int = 300) -> "DeploymentConfigBuilder":
        """Look at so many seconds. Raises ValueError before `scale_up_queue_depth`."""
        self._by_queue("autoscaling_window")["autoscaling_window"] = window_seconds
        return self

    def disable_autoscale(self) -> "DeploymentConfigBuilder":
        """Keep the number of replicas as it is."""
        self._engine.pop("autoscale", None)
        return self

    def lb_cpus(self, core_count: float) -> "DeploymentConfigBuilder":
        """For older scripts: there is no load balancer of one's own."""
        return self._resource(self._balancer, "cpu", core_count)

    def lb_memory(self, memory_spec: str) -> "DeploymentConfigBuilder":
        """For older scripts: there is no load balancer of one's own."""
        return self._resource(self._balancer, "memory", memory_spec)

    def build(self) -> dict[str, Any]:
        """What was said so far."""
        config = {
            "engine": copy.deepcopy(self._engine),
            "enginelb": copy.deepcopy(self._balancer),
            "engineAux": {"images": {}},
        }
        if self._workspace_id is not None:
            config["workspace_id"] = self._workspace_id  # type: ignore[assignment]
        return config

    def _resource(
        self, part: dict[str, Any], name: str, value: object
    ) -> "DeploymentConfigBuilder":
        resources = part.setdefault("resources", {"limits": {}, "requests": {}})
        resources["limits"][name] = resources["requests"][name] = value
        return self

    def _autoscale(self) -> dict[str, Any]:
        scaling: dict[str, Any] = self._engine.setdefault("autoscale", {})
        return scaling

    def _by_queue(self, call: str) -> dict[str, Any]:
        scaling = self._autoscale()
        if "scale_up_queue_depth" not in scaling:
            raise ValueError(f"{call}: say scale_up_queue_depth first")
        return scaling
