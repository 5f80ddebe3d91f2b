"""Webhooks go to public addresses only, whatever a URL or a name says."""

import socket
from ipaddress import ip_address

import pytest

from libs.domain.errors import Rejected
from services.webhooks import sender, signature
from services.webhooks.egress import Egress
from services.webhooks.endpoint import Endpoint, checked_host
from tests.subscriptions.receiver import Receiver

INTERNAL = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",  # carrier-grade NAT
    "100.100.100.200",  # metadata of a cloud
    "169.254.169.254",  # metadata of most
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "fe80::1",
    "fec0::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
]
PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_refused(address: str) -> None:
    assert not Egress.of("").permits(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_permitted(address: str) -> None:
    assert Egress.of("").permits(ip_address(address))


def test_networks_of_the_operators_setting_are_permitted() -> None:
    egress = Egress.of("10.1.0.0/16, ::1")
    asked = ["10.1.2.3", "::ffff:10.1.2.3", "::1", "10.2.0.1", "127.0.0.1"]
    assert [egress.permits(ip_address(each)) for each in asked] == [True, True, True, False, False]
    with pytest.raises(ValueError, match="does not appear to be"):
        Egress.of("10.1.0.0/99")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0x7f000001", "[::ffff:127.0.0.1]"])
async def test_the_address_that_is_connected_to_is_checked(receiver: Receiver, host: str) -> None:
    """However the address is written, and whatever resolves to it."""
    endpoint = Endpoint(signature.new_secret(), f"http://{host}:{receiver.port}/")
    async with sender.open_sender(Egress.of(""), 5) as strict:
        refused = await strict.send(endpoint, "1", b"{}")
    assert not refused.delivered
    assert refused.problem.startswith("can't connect")
    assert not receiver.hooks
    if socket.has_dualstack_ipv6() or "[" not in host:
        async with sender.open_sender(Egress.of("127.0.0.0/8"), 5) as lenient:
            assert (await lenient.send(endpoint, "1", b"{}")).delivered


async def test_the_problem_names_the_internal_address(receiver: Receiver) -> None:
    endpoint = Endpoint(signature.new_secret(), receiver.url)
    async with sender.open_sender(Egress.of(""), 5) as strict:
        assert "is an internal address" in (await strict.send(endpoint, "1", b"{}")).problem


async def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda _: 302
    endpoint = Endpoint(signature.new_secret(), receiver.url)
    async with sender.open_sender(Egress.of("127.0.0.1"), 5) as lenient:
        refused = await lenient.send(endpoint, "1", b"{}")
    assert (refused.status, refused.problem) == (302, "the receiver answered 302")
    assert len(receiver.hooks) == 1


async def test_a_receiver_that_does_not_answer_is_a_failure_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = Endpoint(signature.new_secret(), f"http://127.0.0.1:{silent.getsockname()[1]}/")
        async with sender.open_sender(Egress.of("127.0.0.1"), 0.2) as lenient:
            assert (await lenient.send(endpoint, "1", b"{}")).problem == "no answer within 0.2 s"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "begins with https://"),
        ("ftp://example.org/", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("https://", "begins with https://"),
        ("https://user:pass@example.org/", "leave out user"),
        ("https://example.org/#x", "leave out user"),
        ("https://example.org:99999/", "this is none"),
        ("https://[::1/", "this is none"),
        ("https://example.org/a b", "without spaces"),
        ("https://example.org/\r\nX-Evil: 1", "without spaces"),
        ("https://exämple.org/", "ASCII"),
        ("https://example.org/" + "a" * 2048, "up to 2048"),
        ("http://127.0.0.1/", "internal address"),
        ("http://[::ffff:10.0.0.1]/", "internal address"),
        ("http://169.254.169.254/latest/meta-data", "internal address"),
    ],
)
def test_bad_urls_are_refused_on_creation(url: str, words: str) -> None:
    with pytest.raises(Rejected) as caught:
        checked_host(url, Egress.of(""))
    assert caught.value.message.startswith("url: ")
    assert words in caught.value.message


def test_only_the_host_of_a_url_is_shown() -> None:
    assert checked_host("https://hooks.example.org:8443/T00/secret?x=1", Egress.of("")) == (
        "hooks.example.org"
    )


def test_an_endpoints_repr_hides_url_and_secret() -> None:
    assert "s3cr3t" not in repr(Endpoint("s3cr3t", "https://example.org/s3cr3t"))
