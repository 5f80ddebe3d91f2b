"""Forms that are none, or not whole: refused in words, not as a fault of ours."""

import asyncio
from urllib.parse import urlsplit

import pytest

from services.api.accounts.discovery import DEVICE
from services.api.accounts.keycloak import PATH
from services.api.accounts.signin import PAGE
from tests.api.service import Service

PART = b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n'
MULTIPART = {
    "no boundary": ("multipart/form-data", PART + b"\r\nx\r\n--b--\r\n"),
    "an empty boundary": ("multipart/form-data; boundary=", PART + b"\r\nx\r\n--b--\r\n"),
    "a boundary that does not come": ("multipart/form-data; boundary=c", PART + b"\r\nx\r\n--b--"),
    "nothing": ("multipart/form-data; boundary=b", b""),
    "a cut part": ("multipart/form-data; boundary=b", PART[:30]),
    "a cut body": ("multipart/form-data; boundary=b", PART + b"\r\nx"),
    "a nested form": (
        "multipart/form-data; boundary=b",
        b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--",
    ),
}
CHARSETS = [
    "nope",
    "utf-16",
    "utf-32",
    "idna",
    "punycode",
    "hex",
    "rot13",
    "utf-7",
]
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("case", MULTIPART)
@pytest.mark.parametrize("path", [PAGE, PATH, DEVICE])
async def test_what_is_no_form_of_ours(service: Service, path: str, case: str) -> None:
    kind, body = MULTIPART[case]
    answer = await service.call("POST", path, data=body, headers={"Content-Type": kind})
    assert answer.status in (400, 415), answer
    assert "Content-Type: send application/x-www-form-urlencoded" in str(answer.body)


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("path", [PAGE, PATH, DEVICE])
async def test_a_charset_that_no_form_is_in(service: Service, path: str, charset: str) -> None:
    headers = {"Content-Type": f"{FORM}; charset={charset}"}
    answer = await service.call("POST", path, data=b"client_id=sdk-client", headers=headers)
    assert answer.status in (400, 415), answer
    assert "send UTF-8" in str(answer.body)


@pytest.mark.parametrize(
    ("charset", "name"), [("utf-8", b"J%C3%B6rg"), ("ISO-8859-1", b"J%F6rg"), ("us-ascii", b"J")]
)
async def test_charsets_that_forms_are_in(service: Service, charset: str, name: bytes) -> None:
    body = b"client_id=sdk-client&grant_type=password&password=wrong&username=" + name
    headers = {"Content-Type": f"{FORM}; charset={charset}"}
    answer = await service.call("POST", PATH, data=body, headers=headers)
    assert (answer.status, answer.body["error"]) == (401, "invalid_grant")


@pytest.mark.filterwarnings("ignore::aiohttp.multipart.BadContentDispositionHeader")
async def test_an_upload_may_be_cut_anywhere(service: Service) -> None:
    """As a whole chunked body, so that nothing but the form itself says that more was to come."""
    token = await service.login()
    whole = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%b"; filename="a"\r\nX-Y: z\r\n\r\nPK\r\n'
        % name
        for name in (b"file", b"metadata", b"other")
    )
    where = urlsplit(service.url)
    head = f"POST /v1/api/orchestration/upload HTTP/1.1\r\nAuthorization: Bearer {token}\r\n"
    head += "Host: a\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n"
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    for cut in range(1, len(whole)):
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (cut, whole[:cut])
        writer.write(head.encode() + b"\r\n" + body)
        line = await reader.readline()
        if not line:  # what it could not read to its end, it has closed
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(head.encode() + b"\r\n" + body)
            line = await reader.readline()
        assert line.split()[1] in (b"400", b"413"), (cut, line)
        length = 0
        while (field := await reader.readline()) != b"\r\n":
            if field.lower().startswith(b"content-length:"):
                length = int(field.split()[1])
        await reader.readexactly(length)
    writer.close()
