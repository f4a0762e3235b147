"""A PostgreSQL that redshift_connector can sign in to: what Redshift alone knows is taken from its first message."""

import socket
import struct
from contextlib import suppress
from threading import Thread

_KNOWN = (b"user", b"database", b"application_name")


class Doorman:
    """Stands before a server, and passes everything on but parameters that PostgreSQL would refuse.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                server.sendall(_known(client.makefile("rb", buffering=0)))
                for pair in ((client, server), (server, client)):
                    Thread(target=_pass_on, args=pair, daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more."""
        self._socket.close()


def _known(stream: socket.SocketIO) -> bytes:
    """Return the first message with the parameters that PostgreSQL knows.

    References:
        https://www.postgresql.org/docs/current/protocol-message-formats.html, StartupMessage.
    """
    (length,) = struct.unpack("!i", stream.read(4))
    body = stream.read(length - 4)
    parts = body[4:].split(b"\0")
    given = dict(zip(parts[::2], parts[1::2], strict=False))
    kept = b"".join(name + b"\0" + given[name] + b"\0" for name in _KNOWN if name in given)
    return struct.pack("!i", len(kept) + 9) + body[:4] + kept + b"\0"


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while content := one.recv(65536):
            other.sendall(content)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)
