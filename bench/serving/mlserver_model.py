"""The same model for MLServer, which finds the class by its name in model-settings.json."""

import numpy as np
import onnxruntime as ort
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Forest(MLModel):  # type: ignore[misc]  # it is in an environment of its own
    async def load(self) -> bool:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(self.settings.parameters.uri, options)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32, copy=False)
        (said,) = self._session.run(None, {"float_input": rows})
        outputs = [NumpyCodec.encode_output("variable", said)]
        return InferenceResponse(model_name=self.name, outputs=outputs)
