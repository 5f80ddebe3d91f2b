"""An example of every event of models, pipelines and what serves them."""

from collections.abc import Sequence
from uuid import UUID

from libs.domain import events as e
from libs.domain import values

MODEL = UUID("1d5b0e5c-7d0a-5b43-9b60-3f1f2c9a6e01")
MODEL_VERSION = UUID("2b7e9c14-5a3d-4f86-a1c2-8d4e6f0b7a02")
PIPELINE = UUID("3c8fad25-6b4e-5a97-b2d3-9e5f7a1c8b03")
PIPELINE_VERSION = UUID("4d9abe36-7c5f-4ba8-83e4-af6a8b2d9c04")
DEPLOYMENT = UUID("5eabcf47-8d6a-5cb9-94f5-ba7b9c3ead05")
TAG = UUID("6fbcda58-9e7b-4dca-85a6-cb8cad4fbe06")
_REPLICA = UUID("7acdeb69-af8c-4edb-96b7-dc9dbe5acf07")
_SHA = "e22a0831aafd9917f3cc87a15ed267797f80e2afa12ad7d8810ca58f173b8cc5"
_INPUT = values.TensorSpec(name="float_input", dtype="float", shape=[None, 18])
_OUTPUT = values.TensorSpec(name="variable", dtype="float", shape=[None, 1])
_STEPS = [
    {"ModelInference": {"models": [{"name": "rf", "version": str(MODEL_VERSION), "sha": _SHA}]}}
]

BY_API: Sequence[e.Event] = (
    e.ModelCreated(name="rf"),
    e.ModelDeleted(),
    e.ModelVersionUploaded(
        model=MODEL,
        name="rf",
        file_name="rf_model.onnx",
        file_size=225_818,
        sha=_SHA,
        blob=f"models/{_SHA}",
        framework="onnx",
        conversion={"arch": "x86", "accel": "none", "framework": "onnx"},
    ),
    e.ModelVersionConfigured(
        tensor_fields=["tensor"],
        batching=values.Batching(max_batch_delay_ms=10, batch_size_target=4, batch_size_limit=50),
    ),
    e.ModelVersionTagged(tag=TAG),
    e.ModelVersionUntagged(tag=TAG),
    e.ModelVersionDeleted(),
    e.PipelineCreated(name="house-prices"),
    e.PipelineTagged(tag=TAG),
    e.PipelineUntagged(tag=TAG),
    e.PipelineDeleted(),
    e.PipelineVersionCreated(
        pipeline=PIPELINE,
        name="house-prices",
        definition={"id": "house-prices", "steps": _STEPS},
    ),
    e.PipelineVersionDeleted(),
    e.DeploymentRequested(
        pipeline=PIPELINE,
        name="house-prices",
        version=PIPELINE_VERSION,
        version_number=4790,
        steps=_STEPS,
        models=[
            values.DeployedModel(
                name="rf",
                version=MODEL_VERSION,
                number=4785,
                config=4788,
                sha=_SHA,
                blob=f"models/{_SHA}",
                framework="onnx",
                inputs=[_INPUT],
                outputs=[_OUTPUT],
                tensor_fields=["tensor"],
                threads=4,
                trees=True,
            )
        ],
        scaling=values.Scaling(least=1, most=3),
        limits=values.ReplicaLimits(cpus=0.5, memory_bytes=1 << 30),
        engine_config={"engine": {"replicas": 1, "cpu": 0.5}},
    ),
    e.DeploymentUndeployed(),
    e.TagCreated(name="production"),
)
_PACKAGED = e.ModelVersionPackaged(
    environment="py311-4f2c", lock_digest="4f2c", seconds={"resolve": 0.5, "install": 12.25}
)
BY_PACKAGER: Sequence[e.Event] = (
    _PACKAGED,
    e.ModelVersionFailed(reason="requirements.txt: there is no package nunpy"),
)
BY_INFERENCE: Sequence[e.Event] = (
    e.ModelVersionReady(inputs=[_INPUT], outputs=[_OUTPUT], trees=True, seconds=0.013),
    e.ModelVersionFailed(reason="it is no ONNX file: protobuf parsing failed"),
    e.ReplicaStarted(replica=_REPLICA, generation=2, seconds=0.21),
    e.ReplicaStopped(replica=_REPLICA, reason="out_of_memory", detail="it took more than 1 GiB"),
    e.DeploymentFailed(reason="its model could not be loaded three times"),
)
