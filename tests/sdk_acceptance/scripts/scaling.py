"""Replicas: several, from none on, and what a deployment config says of them later."""

import asyncio
import sys

from wallaroo.deployment_config import DeploymentConfigBuilder

from tests.sdk_acceptance.scripts.common import client, until
from tests.sdk_acceptance.scripts.served import deployed, model, outputs, rows, table

folder = sys.argv[1]
wl = client()
used = model(wl, folder, "rf_model.onnx", tensor_fields=["tensor"])

two = DeploymentConfigBuilder().replica_count(2).cpus(1).memory("512Mi").build()
pipeline = deployed(wl, used, config=two)
until(lambda: len(pipeline.status()["engines"]) == 2, "both replicas run")
assert pipeline._deployment.engine_config()["engine"]["replicas"] == 2
expected = outputs(pipeline.infer(rows(40)))
parallel = asyncio.run(pipeline.parallel_infer(rows(40), batch_size=4))
assert outputs(parallel) == expected
one = DeploymentConfigBuilder().replica_count(1).build()
pipeline.deploy(deployment_config=one)
until(lambda: len(pipeline.status()["engines"]) == 1, "one is left")
assert outputs(pipeline.infer(rows(40))) == expected

from_none = (
    DeploymentConfigBuilder()
    .replica_autoscale_min_max(minimum=0, maximum=2)
    .scale_up_queue_depth(5)
    .autoscaling_window(60)
    .build()
)
pipeline.deploy(deployment_config=from_none)
assert pipeline.status()["status"] == "Running"
assert outputs(pipeline.infer(rows(40))) == expected
assert pipeline.infer(table(1000)).num_rows == 1000
pipeline.undeploy()
print("done")
