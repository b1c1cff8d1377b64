"""The node that loads a LoRA from a link: what it fetches, what it keeps, what it refuses."""

import hashlib
import json
import logging
import os
import socket
import threading
import traceback
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from deploy.comfyui.atelier_lora.cache import WeightsCache
from deploy.comfyui.atelier_lora.download import check_origin, fetch
from deploy.comfyui.atelier_lora.failures import LoraDownloadFailed, LoraLoadFailed
from deploy.comfyui.atelier_lora.options import Options, OptionsError, options_from
from deploy.comfyui.atelier_lora.weights_file import modules_in

SIGNATURE = "?expires=1&signature=canary"
NAME = "lora_unet_mid_block"


def safetensors(*names: str, dtype: str = "F16", tail: bytes = b"", fill: int = 0) -> bytes:
    header, at = {"__metadata__": {"made": "by a test"}}, 0
    tensors: dict[str, object] = dict(header)
    for name in names:
        tensors[name] = {"dtype": dtype, "shape": [2, 4], "data_offsets": [at, at + 16]}
        at += 16
    raw = json.dumps(tensors).encode()
    return len(raw).to_bytes(8, "little") + raw + bytes([fill]) * at + tail


GOOD = safetensors(f"{NAME}.lora_up.weight", f"{NAME}.lora_down.weight")


@pytest.fixture
def options(tmp_path: Path, httpserver: HTTPServer) -> Options:
    origin = httpserver.url_for("").rstrip("/")
    return Options(frozenset({origin}), 2**20, tmp_path / "cache", 2**20)


def link(server: HTTPServer, key: str = "loras/a.safetensors") -> str:
    return server.url_for(f"/{key}") + SIGNATURE


def serve(server: HTTPServer, *answers: Response) -> list[str | None]:
    """Give these answers in turn, the last one for ever; the ETags that were sent along."""
    asked: list[str | None] = []
    left = list(answers)

    def answer(request: Request) -> Response:
        asked.append(request.headers.get("If-None-Match"))
        return left.pop(0) if len(left) > 1 else left[0]

    server.expect_request("/loras/a.safetensors").respond_with_handler(answer)
    return asked


def test_weights_lie_in_the_cache_by_their_content(
    httpserver: HTTPServer, options: Options
) -> None:
    serve(httpserver, Response(GOOD))
    path = WeightsCache(options).weights(link(httpserver))
    assert path.read_bytes() == GOOD
    assert path.stem == hashlib.sha256(GOOD).hexdigest()


def test_what_has_not_changed_is_not_fetched_again_whatever_its_signature(
    httpserver: HTTPServer, options: Options
) -> None:
    asked = serve(httpserver, Response(GOOD, headers={"ETag": '"1"'}), Response(status=304))
    first = WeightsCache(options).weights(link(httpserver))
    second = WeightsCache(options).weights(link(httpserver) + "&more=1")
    assert first == second
    assert asked == [None, '"1"']


def test_new_weights_under_the_same_key_are_new_weights(
    httpserver: HTTPServer, options: Options
) -> None:
    other = safetensors(f"{NAME}.lora_up.weight", fill=1)
    tagged = [
        Response(data, headers={"ETag": tag}) for data, tag in ((GOOD, '"1"'), (other, '"2"'))
    ]
    serve(httpserver, *tagged)
    WeightsCache(options).weights(link(httpserver))
    assert WeightsCache(options).weights(link(httpserver)).read_bytes() == other


def test_a_file_that_was_changed_on_disk_is_fetched_anew(
    httpserver: HTTPServer, options: Options
) -> None:
    asked = serve(httpserver, Response(GOOD, headers={"ETag": '"1"'}))
    WeightsCache(options).weights(link(httpserver)).write_bytes(b"somebody else's face")
    assert WeightsCache(options).weights(link(httpserver)).read_bytes() == GOOD
    assert asked == [None, None]


def test_an_expired_link_does_not_work_though_the_weights_are_in_the_cache(
    httpserver: HTTPServer, options: Options
) -> None:
    serve(httpserver, Response(GOOD, headers={"ETag": '"1"'}), Response(status=403))
    WeightsCache(options).weights(link(httpserver))
    with pytest.raises(LoraDownloadFailed, match=r"^LORA_DOWNLOAD_FAILED: HTTP 403$"):
        WeightsCache(options).weights(link(httpserver))


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=404),
        Response(status=500),
        Response(status=302, headers={"Location": "http://127.0.0.1:9/x"}),
        Response("<html>log in</html>", content_type="text/html"),
        Response(b"0" * (2**20 + 1)),
        Response((b"0" * 2**16 for _ in range(40)), headers={"X": "no length"}),
        Response(status=304),
    ],
)
def test_what_cannot_be_fetched_says_so_and_leaves_nothing(
    httpserver: HTTPServer, options: Options, answer: Response
) -> None:
    serve(httpserver, answer)
    with pytest.raises(LoraDownloadFailed, match=r"^LORA_DOWNLOAD_FAILED: ") as failed:
        WeightsCache(options).weights(link(httpserver))
    assert list(options.cache.iterdir()) == []
    assert "canary" not in "".join(traceback.format_exception(failed.value))


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc", b"SSH-2.0\r\n\r\n"]
)
def test_a_connection_that_is_cut_is_a_failed_download(tmp_path: Path, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def cut() -> None:
            connection, _ = server.accept()
            connection.recv(65536)
            connection.sendall(answer)
            connection.close()

        thread = threading.Thread(target=cut)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a{SIGNATURE}"
        with pytest.raises(LoraDownloadFailed):
            fetch(url, tmp_path / "x", most_bytes=1000, known_etag=None)
        thread.join()


def test_a_download_that_drips_is_given_up(httpserver: HTTPServer, tmp_path: Path) -> None:
    serve(httpserver, Response(b"0" * 100))
    with pytest.raises(LoraDownloadFailed, match="too long"):
        fetch(link(httpserver), tmp_path / "x", most_bytes=1000, known_etag=None, limit_s=-1)


@pytest.mark.parametrize(
    "url",
    [
        "http://b.example/x?s=canary",
        "https://b.example:444/x",
        "https://evil.example/x",
        "https://b.example.evil.example/x",
        "https://user:canary@b.example/x",
        "https://evil.example@b.example/x",
        "file:///etc/passwd",
        "ftp://b.example/x",
        "https://b.example:port/x",
        "https://[canary/x",
        "",
    ],
)
def test_only_allowed_origins_are_asked(url: str) -> None:
    with pytest.raises(LoraDownloadFailed) as refused:
        check_origin(url, frozenset({"https://b.example"}))
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("url", ["https://b.example/x?s=1", "https://B.example:443/x"])
def test_an_allowed_origin_is_told_without_the_signature(url: str) -> None:
    assert check_origin(url, frozenset({"https://b.example"})) == "https://b.example/x"


def test_the_least_recently_used_weights_make_room(
    httpserver: HTTPServer, tmp_path: Path, options: Options
) -> None:
    small = Options(options.origins, options.most_bytes, options.cache, 2 * len(GOOD))
    small.cache.mkdir()
    for age, name in ((30, "old"), (20, "older-than-none")):
        path = small.cache / f"{name}.safetensors"
        path.write_bytes(b"0" * len(GOOD))
        os.utime(path, (age, age) if name != "old" else (1, 1))
    serve(httpserver, Response(GOOD))
    kept = WeightsCache(small).weights(link(httpserver))
    assert {path.stem for path in small.cache.glob("*.safetensors")} == {
        kept.stem,
        "older-than-none",
    }


def test_nothing_on_disk_and_nothing_logged_holds_the_link(
    httpserver: HTTPServer, options: Options, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    serve(httpserver, Response(GOOD, headers={"ETag": '"1"'}))
    WeightsCache(options).weights(link(httpserver))
    on_disk = b"".join(path.read_bytes() for path in options.cache.iterdir())
    assert b"canary" not in on_disk
    assert "canary" not in "".join(
        record.getMessage() for record in caplog.records if record.name != "werkzeug"
    )


def test_counts_the_layers_that_a_lora_changes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(GOOD)
    assert modules_in(path) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"\x80\x04pickle" + b"0" * 100,
        b"PK\x03\x04" + b"0" * 100,
        (2**62).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (2).to_bytes(8, "little") + b"{}",
        safetensors(),
        safetensors("a.weight"),
        safetensors("a.lora_up.weight", dtype="Q4"),
        safetensors("a.lora_up.weight", dtype="F32"),
        GOOD[:-1],
        GOOD + b"0",
        GOOD.replace(b"[16, 32]", b"[18, 34]"),
        GOOD.replace(b"[16, 32]", b'["a", 3]'),
        GOOD.replace(b"[2, 4]", b"[-2,4]", 1),
    ],
)
def test_what_is_no_lora_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    with pytest.raises(LoraLoadFailed, match=r"^LORA_LOAD_FAILED: "):
        modules_in(path)


def test_nothing_is_allowed_until_it_is_named(tmp_path: Path) -> None:
    options = options_from({}, tmp_path)
    assert options == Options(frozenset(), 2**30, tmp_path, 20 * 2**30)


def test_options_come_from_the_environment(tmp_path: Path) -> None:
    wanted = {
        "ATELIER_LORA_ORIGINS": "https://B.example/, http://storage:9000",
        "ATELIER_LORA_MAX_MB": "5",
        "ATELIER_LORA_CACHE": "/cache",
        "ATELIER_LORA_CACHE_MB": "7",
    }
    origins = frozenset({"https://b.example", "http://storage:9000"})
    assert options_from(wanted, tmp_path) == Options(origins, 5 * 2**20, Path("/cache"), 7 * 2**20)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ATELIER_LORA_ORIGINS": "b.example"},
        {"ATELIER_LORA_MAX_MB": "much"},
        {"ATELIER_LORA_CACHE_MB": "0"},
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(OptionsError, match=next(iter(wrong))):
        options_from(wrong, tmp_path)
