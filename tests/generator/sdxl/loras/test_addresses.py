"""Links lead to the public Internet and to allowed hosts, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generator.sdxl.loras.fetching.links import Link, Reach, read_link
from services.generator.sdxl.loras.fetching.public_addresses import is_loopback, is_public
from services.generator.sdxl.wishes import FailureCode, NoPicture

REACH = Reach(("weights.example", "*.r2.example"))
CANARY = "canary0secret"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
        *("198.18.0.1", "203.0.113.5", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
        *("255.255.255.255", "192.88.99.1", "192.0.2.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"),
        *("64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1"),
        *("2001:db8::1", "3fff::1", "100::1", "5f00::1", "4000::1", "fec0::1"),
        *("", "localhost", "1.2.3", "0x7f000001", "2130706433"),
    ],
)
def test_no_inner_address_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "104.16.0.1", "2606:4700::1", "2a00:1450:4001::1", "64:ff9b::808:808",
     "::ffff:8.8.8.8"],
)  # fmt: skip
def test_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses())
def test_nothing_is_both_public_and_of_this_machine(address: object) -> None:
    assert not (is_public(str(address)) and is_loopback(str(address)))


@pytest.mark.parametrize(
    "text",
    [
        "https://weights.example/ada.safetensors",
        "https://WEIGHTS.example:9000/ada.safetensors",
        "https://account.r2.example/bucket/ada.safetensors",
        "https://a.b.r2.example/ada",
    ],
)
def test_allowed_hosts_may_be_asked(text: str) -> None:
    assert read_link(text, REACH).host


@pytest.mark.parametrize(
    "text",
    [
        "http://weights.example/ada",
        "ftp://weights.example/ada",
        "file:///etc/passwd",
        "weights.example/ada",
        "https:///ada",
        "https://r2.example/ada",
        "https://evilr2.example/ada",
        "https://weights.example.evil.example/ada",
        "https://evil.example/weights.example",
        "https://weights.example@evil.example/ada",
        "https://user:secret@weights.example/ada",
        "https://evil.example\\@weights.example/ada",
        "https://127.0.0.1/ada",
        "http://127.0.0.1/ada",
        "https://[::1]/ada",
        "https://weights.example./ada",
        "https://weights.example:99999/ada",
        "https://weights.example:0/ada",
        "https://weights.example/\nada",
        "https://weights.example/" + "a" * 9000,
        "",
    ],
)
def test_other_links_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(NoPicture) as caught:
        read_link(f"{text}?X-Amz-Signature={CANARY}", REACH)
    assert caught.value.code is FailureCode.LORA_DOWNLOAD_FAILED
    assert CANARY not in repr(caught.value) + str(caught.value.__cause__)


def test_this_machine_is_allowed_only_where_somebody_says_so() -> None:
    local = Reach((), loopback=True)
    for host in ("127.0.0.1", "localhost", "[::1]"):
        for scheme in ("http", "https"):
            read_link(f"{scheme}://{host}:8080/ada", local)
            with pytest.raises(NoPicture):
                read_link(f"{scheme}://{host}:8080/ada", REACH)
    for foreign in (
        "http://weights.example/ada",
        "https://localhost.evil.example/",
        "ftp://[::1]/",
    ):
        with pytest.raises(NoPicture):
            read_link(foreign, local)


def test_a_pattern_does_not_match_addresses() -> None:
    with pytest.raises(NoPicture):
        read_link("https://10.0.0.1/ada", Reach(("*.0.0.1",)))


def link(tail: str, host: str = "weights.example") -> Link:
    return read_link(f"https://{host}{tail}", Reach(("*.example",)))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("?X-Amz-Signature=1&X-Amz-Date=2", "?X-Amz-Signature=3&X-Amz-Date=4"),
        ("?expires=1&signature=2", "?expires=3&signature=4&review=1"),
        ("?AWSAccessKeyId=a&Expires=1&Signature=2", "?AWSAccessKeyId=a&Expires=5&Signature=6"),
        ("?sv=1&se=2&sr=b&sp=r&sig=3", "?sv=1&se=4&sr=b&sp=r&sig=5"),
        ("?X-Goog-Signature=1", "?X-Goog-Signature=2"),
    ],
)
def test_links_to_one_file_differ_in_what_signs_them(one: str, two: str) -> None:
    assert link(f"/ada{one}").identity == link(f"/ada{two}").identity
    assert link(f"/ada{one}").whole != link(f"/ada{two}").whole


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("/ada", "/bea"),
        ("/download?file=ada", "/download?file=bea"),
        ("/download?sp=ada", "/download?sp=bea"),
        ("/ada?versionId=1", "/ada?versionId=2"),
        ("/ada", "/ada%2F"),
        ("/ada", "/ada?token=new"),
    ],
)
def test_whatever_may_choose_the_file_is_part_of_its_identity(one: str, two: str) -> None:
    assert link(one).identity != link(two).identity


def test_other_hosts_ports_and_schemes_have_other_files() -> None:
    reach = Reach(("*.example",), loopback=True)
    links = ("https://a.example/x", "https://b.example/x", "https://a.example:444/x")
    local = ("http://localhost/x", "https://localhost/x")
    assert len({read_link(one, reach).identity for one in (*links, *local)}) == 5


def test_a_link_does_not_show_itself() -> None:
    assert CANARY not in repr(link(f"/ada?X-Amz-Signature={CANARY}"))
