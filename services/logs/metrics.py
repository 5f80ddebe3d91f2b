"""Stored output as metrics. What waits to be stored is the lag of the projection `chunks`."""

from libs.telemetry.registry import MetricRegistry


class IngestMetrics:
    """The counters of stored chunks, lines and bytes."""

    def __init__(self, metrics: MetricRegistry) -> None:
        self._chunks = metrics.counter("rondo_log_chunks", "Chunks of output stored.").of()
        self._lines = metrics.counter("rondo_log_lines", "Lines of output stored.").of()
        self._bytes = metrics.counter("rondo_log_bytes", "Bytes of output, as printed.").of()
        self._stored = metrics.counter("rondo_log_stored_bytes", "The same, compressed.").of()

    def count(self, lines: int, raw_bytes: int, stored_bytes: int) -> None:
        """Counts one chunk: its lines, its bytes as printed, and its bytes as compressed."""
        self._chunks.add()
        self._lines.add(lines)
        self._bytes.add(raw_bytes)
        self._stored.add(stored_bytes)
