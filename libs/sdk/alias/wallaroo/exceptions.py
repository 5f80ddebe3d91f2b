"""What can go wrong with models and inferences."""

from rondo.errors import InferenceError as InferenceError
from rondo.errors import ModelUploadFailed as ModelUploadError  # noqa: F401 - as scripts know it
from rondo.errors import Unavailable as InferenceTimeoutError  # noqa: F401
