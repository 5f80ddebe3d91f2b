"""What a replica does with a request: read it, run the steps, write the answer and the record.

Pure: no processes, no sockets, no event log. onnxruntime is imported in onnx_session.py alone,
pyarrow in arrow_file.py alone, which only requests in Arrow load: it takes 30 MB.
"""
