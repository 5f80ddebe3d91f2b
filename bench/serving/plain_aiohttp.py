"""The plainest server of a model that aiohttp allows: `python plain_aiohttp.py MODEL PORT`."""

import sys
from typing import Any

import numpy as np
import onnxruntime as ort
import orjson
from aiohttp import web


def main(model: str, port: int) -> None:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options)

    async def json(request: web.Request) -> web.Response:
        records: list[dict[str, Any]] = orjson.loads(await request.read())
        rows = np.array([record["tensor"] for record in records], np.float32)
        (said,) = session.run(None, {"float_input": rows})
        for record, value in zip(records, said, strict=True):
            record["variable"] = value
        body = orjson.dumps(records, option=orjson.OPT_SERIALIZE_NUMPY)
        return web.Response(body=body, content_type="application/json")

    async def arrow(request: web.Request) -> web.Response:
        import pyarrow as pa

        table = pa.ipc.open_file(await request.read()).read_all()
        column = table.column("tensor").combine_chunks()
        rows = column.flatten().to_numpy().reshape(len(table), -1)
        (said,) = session.run(None, {"float_input": rows})
        table = table.append_column("variable", pa.array(said.reshape(-1)))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as file:
            file.write_table(table)
        return web.Response(
            body=sink.getvalue().to_pybytes(), content_type="application/vnd.apache.arrow.file"
        )

    app = web.Application(client_max_size=1 << 26)
    app.add_routes([web.post("/json", json), web.post("/arrow", arrow)])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
