"""The road of log lines as metrics; what waits on it is the lag of the projection `chunks`."""

from libs.telemetry.registry import Meters


class IngestMeters:
    def __init__(self, meters: Meters) -> None:
        self._chunks = meters.counter("rondo_log_chunks", "Chunks of output stored.").of()
        self._lines = meters.counter("rondo_log_lines", "Lines of output stored.").of()
        self._bytes = meters.counter("rondo_log_bytes", "Bytes of output, as printed.").of()
        self._stored = meters.counter("rondo_log_stored_bytes", "The same, compressed.").of()

    def stored(self, lines: int, raw_bytes: int, stored_bytes: int) -> None:
        self._chunks.add()
        self._lines.add(lines)
        self._bytes.add(raw_bytes)
        self._stored.add(stored_bytes)
