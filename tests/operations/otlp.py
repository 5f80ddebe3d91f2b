"""A receiver of traces by OTLP/HTTP, as a process: `python -m tests.operations.otlp PORT FILE`.

It decodes the real protobuf and appends each span to FILE, as a line of JSON.
"""

import gzip
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


def spans_of(body: bytes) -> list[dict[str, str]]:
    found = []
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = {one.key: one.value.string_value for one in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                attributes = {one.key: one.value.string_value for one in span.attributes}
                found.append(
                    {
                        **attributes,
                        "service": about["service.name"],
                        "name": span.name,
                        "trace": span.trace_id.hex(),
                        "id": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "seconds": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                    }
                )
    return found


def handler_for(file: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            with file.open("a") as lines:
                lines.writelines(json.dumps(span) + "\n" for span in spans_of(body))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: object) -> None:
            """Not on the terminal."""

    return Handler


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), handler_for(Path(sys.argv[2]))).serve_forever()
