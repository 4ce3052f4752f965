"""Takes requests with bodies and forgets them: `python gateway_reader.py PORT`."""

import re
import socket
import sys
import threading

CHUNK_BYTES = 1 << 20


def serve(connection: socket.socket) -> None:
    chunk = memoryview(bytearray(CHUNK_BYTES))
    with connection:
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                read = connection.recv(65536)
                if not read:
                    return
                head += read
            head, begun = head.split(b"\r\n\r\n", 1)
            left = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE).group(1)) - len(begun)
            while left > 0:
                left -= connection.recv_into(chunk, min(left, CHUNK_BYTES))
            connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


def main() -> None:
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
