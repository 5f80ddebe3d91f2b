"""The same model behind KServe's server: `python kserve_model.py MODEL PORT`, where that is."""

import sys
from typing import Any

import kserve
import numpy as np
import onnxruntime as ort


class Forest(kserve.Model):  # type: ignore[misc]  # it is in an environment of its own
    def __init__(self, path: str) -> None:
        super().__init__("forest")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(path, options)
        self.ready = True

    def predict(self, payload: dict[str, Any], headers: object = None, **_: object) -> object:
        rows = np.array(payload["instances"], np.float32)
        return {"predictions": self._session.run(None, {"float_input": rows})[0].tolist()}


if __name__ == "__main__":
    server = kserve.ModelServer(http_port=int(sys.argv[2]), enable_grpc=False, workers=1)
    server.start([Forest(sys.argv[1])])
