"""A service process that does as told; standard library only, so that it starts at once."""

# ruff: noqa: T201 - what it prints is what the supervisor is to collect

import argparse
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

FOREVER_S = 3600.0


def main() -> None:
    """Say what was asked, then get ready, crash, or hang."""
    options = _parse()
    if options.ignore_term:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, _say_goodbye)
    for line in options.say:
        print(line, flush=True)
    if options.tell is not None:
        with Path(options.tell).open("a") as file:
            file.write(f"{options.name} {os.getpid()}\n")
    if options.grandchild:
        # It keeps our output open after we are gone.
        subprocess.Popen(["sleep", "30"])
    if options.print_env:
        print(f"{options.print_env}={os.environ.get(options.print_env)}", flush=True)
    if options.http:
        _serve_http()
    if options.early_exit is not None:
        sys.exit(options.early_exit)
    if not options.never_ready:
        _notify_ready()
    time.sleep(FOREVER_S if options.crash_after_s is None else options.crash_after_s)
    sys.exit(1)


def _say_goodbye(*_: object) -> NoReturn:
    print("stopping", flush=True)
    sys.exit(0)


def _serve_http() -> None:
    class Teller(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(str(os.getpid()).encode())

    address = (os.environ["GATEWAY_HOST"], int(os.environ["GATEWAY_PORT"]))
    server = http.server.HTTPServer(address, Teller, bind_and_activate=False)
    server.socket.close()
    server.socket = _given_socket()
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _given_socket() -> socket.socket:
    if os.environ["LISTEN_PID"] != str(os.getpid()) or os.environ["LISTEN_FDS"] != "1":
        raise RuntimeError("no listening socket was handed down")
    return socket.socket(fileno=3)


def _notify_ready() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(b"STATUS=up\nREADY=1", os.environ["NOTIFY_SOCKET"])


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--say", action="append", default=[])
    parser.add_argument("--tell")
    parser.add_argument("--print-env")
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--grandchild", action="store_true")
    parser.add_argument("--never-ready", action="store_true")
    parser.add_argument("--ignore-term", action="store_true")
    parser.add_argument("--early-exit", type=int)
    parser.add_argument("--crash-after-s", type=float)
    return parser.parse_args()


if __name__ == "__main__":
    main()
