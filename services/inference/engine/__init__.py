"""What a replica does with a request: read it, run the steps, write the answer and the record.

Pure: no processes, no sockets, no event log. onnxruntime is imported in onnx_session.py alone,
pyarrow in the files named arrow_, which only requests in Arrow and schemas of uploads load: it
takes 24 MiB.
"""
