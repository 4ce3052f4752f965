"""nginx that writes what it is sent into a folder, and a reader that keeps nothing of it."""

import contextlib
import os
import pathlib
import shutil
import socket
import sys
from collections.abc import Iterator

from bench import HERE, Starter
from gateway_whorl import READY_SECONDS, wait_for
from services import Service

# Of 16 KB, which is the default, 256 KB and 1 MB to gather a body in before it is written, the last is the fastest.
CONFIGURATION = """
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log stderr warn;
{user}
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_buffer_size 1m;
    client_body_temp_path {folder}/incoming;
    proxy_temp_path {folder}/unused;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            root {folder}/stored;
            dav_methods PUT;
        }}
    }}
}}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def nginx(starter: Starter, folder: pathlib.Path) -> Iterator[tuple[Service, int]]:
    """It and its port; `PUT /name` makes `stored/name` in the folder, by way of a file beside it that is renamed."""
    port = free_port()
    (folder / "stored").mkdir()
    path = folder / "nginx.conf"
    # Its workers would else be nobody, who may not write there.
    user = "user root;" if os.geteuid() == 0 else ""
    path.write_text(CONFIGURATION.format(folder=folder, port=port, user=user))
    with starter.serve("nginx", [shutil.which("nginx"), "-p", str(folder), "-c", str(path)], {}) as service:
        wait_for(lambda: takes_connections(port), READY_SECONDS, "nginx: does not listen", service)
        yield service, port


@contextlib.contextmanager
def reader(starter: Starter) -> Iterator[tuple[Service, int]]:
    """A process that reads bodies and answers; what clients reach with it is the most that they could measure."""
    port = free_port()
    with starter.serve("reader", [sys.executable, "-B", str(HERE / "gateway_reader.py"), str(port)], {}) as service:
        wait_for(lambda: takes_connections(port), READY_SECONDS, "the reader does not listen", service)
        yield service, port
