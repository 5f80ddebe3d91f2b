"""Answers on connections that were handed over, as HTTP/1.1 has them; `stays` says whether the
connection does."""

from services.inference.gateway.errors import NoAnswer
from services.inference.gateway.tickets import Result

_WORDS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
_WORDS |= {413: "Content Too Large", 500: "Internal Server Error", 503: "Service Unavailable"}
_WORDS |= {504: "Gateway Timeout", 507: "Insufficient Storage"}


def head(result: Result, stays: bool) -> bytes:
    """Of what a replica has answered; its body follows."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n" % (
        result.reply.content_type.encode("latin-1"),
        len(result.body),
        b"" if stays else b"Connection: close\r\n",
    )


def error(problem: NoAnswer, stays: bool) -> bytes:
    """Why there is no answer."""
    status = problem.status
    lines = [f"HTTP/1.1 {status} {_WORDS.get(status, 'Refused')}", "Content-Type: application/json"]
    lines.append(f"Content-Length: {len(problem.body)}")
    if not stays:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + problem.body
