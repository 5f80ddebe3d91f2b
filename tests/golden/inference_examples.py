"""Examples of the events of models, pipelines and what serves them; examples.py has the others."""

from uuid import UUID

from libs.domain.events import (
    DeploymentFailed,
    DeploymentRequested,
    DeploymentUndeployed,
    Event,
    ModelCreated,
    ModelDeleted,
    ModelVersionConfigured,
    ModelVersionDeleted,
    ModelVersionFailed,
    ModelVersionPackaged,
    ModelVersionReady,
    ModelVersionTagged,
    ModelVersionUntagged,
    ModelVersionUploaded,
    PipelineCreated,
    PipelineDeleted,
    PipelineTagged,
    PipelineUntagged,
    PipelineVersionCreated,
    PipelineVersionDeleted,
    ReplicaStarted,
    ReplicaStopped,
    TagCreated,
)
from libs.domain.ids import (
    StreamId,
    deployment_stream,
    model_stream,
    model_version_stream,
    pipeline_stream,
    pipeline_version_stream,
    tag_stream,
)
from libs.domain.values import Batching, DeployedModel, ReplicaLimits, Scaling, TensorSpec

VERSION = UUID("2b7e9c14-5a3d-4f86-a1c2-8d4e6f0b7a02")
PIPELINE_VERSION = UUID("4d9abe36-7c5f-4ba8-83e4-af6a8b2d9c04")
TAG = UUID("6fbcda58-9e7b-4dca-85a6-cb8cad4fbe06")
REPLICA = UUID("7acdeb69-af8c-4edb-96b7-dc9dbe5acf07")

_MODEL = model_stream(5, "rf")
_VERSION = model_version_stream(5, VERSION)
_PIPELINE = pipeline_stream(5, "house-prices")
_PIPELINE_VERSION = pipeline_version_stream(5, PIPELINE_VERSION)
_DEPLOYMENT = deployment_stream(5, UUID(_PIPELINE.id))
_TAG = tag_stream(TAG)

_SHA = "e22a0831aafd9917f3cc87a15ed267797f80e2afa12ad7d8810ca58f173b8cc5"
_INPUT = TensorSpec(name="float_input", dtype="float", shape=[None, 18])
_OUTPUT = TensorSpec(name="variable", dtype="float", shape=[None, 1])
_STEPS = [{"ModelInference": {"models": [{"version": str(VERSION), "sha": _SHA, "name": "rf"}]}}]
_LEAST_MODEL = DeployedModel(
    name="rf",
    version=VERSION,
    number=42,
    config=42,
    sha=_SHA,
    blob="b",
    framework="onnx",
    inputs=[],
    outputs=[TensorSpec(name="n", dtype="int64")],
)
_DEPLOYED_MODEL = DeployedModel(
    name="rf",
    version=VERSION,
    number=42,
    config=43,
    sha=_SHA,
    blob=f"models/{_SHA}",
    framework="onnx",
    inputs=[_INPUT],
    outputs=[_OUTPUT],
    tensor_fields=["tensor"],
    threads=4,
    trees=True,
    batching=Batching(max_batch_delay_ms=5, batch_size_target=8, batch_size_limit=50),
    environment="py311-4f2c",
)

INFERENCE_EXAMPLES: dict[str, tuple[StreamId, Event]] = {
    "ModelCreated": (_MODEL, ModelCreated(name="rf")),
    "ModelDeleted": (_MODEL, ModelDeleted()),
    "ModelVersionUploaded": (  # with keys that are in the order that somebody gave them
        _VERSION,
        ModelVersionUploaded(
            model=UUID(_MODEL.id),
            name="rf",
            file_name="rf_model.onnx",
            file_size=225_818,
            sha=_SHA,
            blob=f"models/{_SHA}",
            framework="onnx",
            conversion={"framework": "onnx", "arch": "x86", "accel": "none", "requirements": []},
            input_schema="/////2gA",
            output_schema="/////3gA",
        ),
    ),
    "ModelVersionUploaded.sklearn": (
        _VERSION,
        ModelVersionUploaded(
            model=UUID(_MODEL.id),
            name="rf",
            file_name="rf.pkl",
            file_size=1,
            sha="0" * 64,
            blob="b",
            framework="sklearn",
            requirements=["scikit-learn==1.9.1"],
        ),
    ),
    "ModelVersionUploaded.least": (
        _VERSION,
        ModelVersionUploaded(
            model=UUID(_MODEL.id),
            name="rf",
            file_name="m",
            file_size=1,
            sha="0" * 64,
            blob="b",
            framework="onnx",
        ),
    ),
    "ModelVersionPackaged": (
        _VERSION,
        ModelVersionPackaged(
            environment="py311-4f2c", lock_digest="4f2c", seconds={"install": 1.5, "resolve": 0.5}
        ),
    ),
    "ModelVersionPackaged.least": (
        _VERSION,
        ModelVersionPackaged(environment="py311-4f2c", lock_digest="4f2c"),
    ),
    "ModelVersionReady": (
        _VERSION,
        ModelVersionReady(
            inputs=[_INPUT],
            outputs=[_OUTPUT],
            trees=True,
            environment="py311-4f2c",
            seconds=0.25,
        ),
    ),
    "ModelVersionReady.warnings": (
        _VERSION,
        ModelVersionReady(inputs=[], outputs=[], warnings=["pickled by scikit-learn 1.8.0"]),
    ),
    "ModelVersionReady.least": (_VERSION, ModelVersionReady(inputs=[], outputs=[])),
    "ModelVersionFailed": (_VERSION, ModelVersionFailed(reason="it is no ONNX file")),
    "ModelVersionConfigured": (
        _VERSION,
        ModelVersionConfigured(
            tensor_fields=["tensor"],
            batching=Batching(max_batch_delay_ms=5, batch_size_target=8, batch_size_limit=50),
            filter_threshold=0.5,
            batch_config="single",
            input_schema="/////2gA",
            output_schema="/////3gA",
        ),
    ),
    "ModelVersionConfigured.least": (_VERSION, ModelVersionConfigured()),
    "ModelVersionTagged": (_VERSION, ModelVersionTagged(tag=TAG)),
    "ModelVersionUntagged": (_VERSION, ModelVersionUntagged(tag=TAG)),
    "ModelVersionDeleted": (_VERSION, ModelVersionDeleted()),
    "PipelineCreated": (_PIPELINE, PipelineCreated(name="house-prices")),
    "PipelineTagged": (_PIPELINE, PipelineTagged(tag=TAG)),
    "PipelineUntagged": (_PIPELINE, PipelineUntagged(tag=TAG)),
    "PipelineDeleted": (_PIPELINE, PipelineDeleted()),
    "PipelineVersionCreated": (
        _PIPELINE_VERSION,
        PipelineVersionCreated(
            pipeline=UUID(_PIPELINE.id),
            name="house-prices",
            definition={"steps": _STEPS, "id": "house-prices"},
        ),
    ),
    "PipelineVersionDeleted": (_PIPELINE_VERSION, PipelineVersionDeleted()),
    "DeploymentRequested": (
        _DEPLOYMENT,
        DeploymentRequested(
            pipeline=UUID(_PIPELINE.id),
            name="house-prices",
            version=PIPELINE_VERSION,
            version_number=44,
            steps=_STEPS,
            models=[_DEPLOYED_MODEL],
            scaling=Scaling(
                least=0, most=3, metric="cpu", scale_up=70.0, scale_down=20.0, window=60.0
            ),
            limits=ReplicaLimits(cpus=0.5, memory_bytes=1 << 30),
            engine_config={"engine": {"replicas": 1, "cpu": 0.5}, "enginelb": {}},
        ),
    ),
    "DeploymentRequested.least": (
        _DEPLOYMENT,
        DeploymentRequested(
            pipeline=UUID(_PIPELINE.id),
            name="house-prices",
            version=PIPELINE_VERSION,
            version_number=44,
            steps=[],
            models=[_LEAST_MODEL],
        ),
    ),
    "ReplicaStarted": (_DEPLOYMENT, ReplicaStarted(replica=REPLICA, generation=1, seconds=0.25)),
    "ReplicaStarted.least": (_DEPLOYMENT, ReplicaStarted(replica=REPLICA, generation=2)),
    "ReplicaStopped": (
        _DEPLOYMENT,
        ReplicaStopped(replica=REPLICA, reason="out_of_memory", detail="more than 1 GiB"),
    ),
    "ReplicaStopped.least": (_DEPLOYMENT, ReplicaStopped(replica=REPLICA, reason="idle")),
    "DeploymentFailed": (_DEPLOYMENT, DeploymentFailed(reason="it needs more memory")),
    "DeploymentUndeployed": (_DEPLOYMENT, DeploymentUndeployed()),
    "TagCreated": (_TAG, TagCreated(name="production")),
}

INFERENCE_HISTORIES: dict[str, list[str]] = {
    "model-created-deleted-and-created": ["ModelCreated", "ModelDeleted", "ModelCreated"],
    "model-version-configured": [
        "ModelVersionUploaded",
        "ModelVersionReady",
        "ModelVersionConfigured",
        "ModelVersionTagged",
    ],
    "model-version-packaged": [
        "ModelVersionUploaded.least",
        "ModelVersionPackaged",
        "ModelVersionReady.least",
    ],
    "model-version-failed-and-deleted": [
        "ModelVersionUploaded.least",
        "ModelVersionFailed",
        "ModelVersionTagged",
        "ModelVersionUntagged",
        "ModelVersionDeleted",
    ],
    "pipeline-tagged": ["PipelineCreated", "PipelineTagged"],
    "pipeline-deleted": ["PipelineCreated", "PipelineTagged", "PipelineDeleted"],
    "pipeline-version-deleted": ["PipelineVersionCreated", "PipelineVersionDeleted"],
    "deployment-redeployed": [
        "DeploymentRequested",
        "ReplicaStarted",
        "DeploymentRequested.least",
    ],
    "deployment-failed-and-undeployed": [
        "DeploymentRequested.least",
        "ReplicaStarted",
        "ReplicaStopped",
        "DeploymentFailed",
        "DeploymentUndeployed",
    ],
    "tag-created": ["TagCreated"],
}
