"""A desktop's keyring for tests: a session bus with nothing on it but a Secret Service with one unlocked collection.

Written from the D-Bus specification (SASL EXTERNAL, message bus methods) and the freedesktop Secret Service API; messages are
packed by jeepney. The `keyring` package finds it as it finds GNOME's or KDE's. Keeps everything in memory.
"""

import contextlib
import os
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from jeepney.low_level import HeaderFields, Message, MessageType, Parser
from jeepney.wrappers import new_error, new_method_return

COLLECTION: Final = "/org/freedesktop/secrets/aliases/default"
_ITEMS: Final = "/org/freedesktop/secrets/collection/login/"
_ITEM: Final = "org.freedesktop.Secret.Item."
_NOT_SUPPORTED: Final = "org.freedesktop.DBus.Error.NotSupported"
_NO_OBJECT: Final = "org.freedesktop.DBus.Error.UnknownObject"


class SecretService:
    """What is kept.

    Attributes:
        secrets: By path: attributes and secret.
        locked: Whether the collection is, as after a log-off.
        address: For DBUS_SESSION_BUS_ADDRESS.
    """

    def __init__(self) -> None:
        self.secrets: dict[str, tuple[dict[str, str], bytes]] = {}
        self.locked = False
        self.address = ""

    def answer(self, message: Message) -> Message:
        """Answer one call."""
        fields = message.header.fields
        member, path = fields[HeaderFields.member], fields.get(HeaderFields.path, "")
        handler = getattr(self, f"_{member.lower()}", None)
        reply: Message = (
            new_error(message, _NO_OBJECT, "s", (f"no {member} of {path}",))
            if handler is None
            else handler(message, path, message.body)
        )
        reply.header.fields[HeaderFields.destination] = ":1.1"
        return reply

    def _hello(self, message: Message, path: str, body: Any) -> Message:
        return new_method_return(message, "s", (":1.1",))

    def _addmatch(self, message: Message, path: str, body: Any) -> Message:
        return new_method_return(message)

    def _namehasowner(self, message: Message, path: str, body: Any) -> Message:
        return new_method_return(message, "b", (body[0] == "org.freedesktop.secrets",))

    def _listactivatablenames(self, message: Message, path: str, body: Any) -> Message:
        return new_method_return(message, "as", ([],))

    def _get(self, message: Message, path: str, body: Any) -> Message:
        values: dict[str, tuple[str, Any]] = {
            "Label": ("s", "Login"),
            "Locked": ("b", self.locked),
            "Attributes": ("a{ss}", self.secrets.get(path, ({}, b""))[0]),
        }
        if path != COLLECTION and path not in self.secrets:
            return new_error(message, _NO_OBJECT, "s", ("gone",))
        return new_method_return(message, "v", (values[body[1]],))

    def _opensession(self, message: Message, path: str, body: Any) -> Message:
        if body[0] != "plain":
            return new_error(message, _NOT_SUPPORTED, "s", ("only plain",))
        return new_method_return(message, "vo", (("s", ""), "/org/freedesktop/secrets/session/1"))

    def _unlock(self, message: Message, path: str, body: Any) -> Message:
        # Nobody is at the desktop to type the password: nothing is unlocked and nothing is asked.
        return new_method_return(message, "aoo", ([], "/"))

    def _createitem(self, message: Message, path: str, body: Any) -> Message:
        properties, secret, _ = body
        item = f"{_ITEMS}{len(self.secrets) + 1}"
        self.secrets[item] = (dict(properties[_ITEM + "Attributes"][1]), bytes(secret[2]))
        return new_method_return(message, "oo", (item, "/"))

    def _searchitems(self, message: Message, path: str, body: Any) -> Message:
        wanted = body[0].items()
        found = [item for item, (attributes, _) in self.secrets.items() if wanted <= attributes.items()]
        return new_method_return(message, "ao", (found,))

    def _getsecret(self, message: Message, path: str, body: Any) -> Message:
        return new_method_return(message, "(oayays)", ((body[0], b"", self.secrets[path][1], "text/plain"),))


@contextlib.contextmanager
def desktop(folder: Path) -> Iterator[SecretService]:
    """Run a session bus with the service on it.

    Args:
        folder: For its socket; a short path.
    """
    service = SecretService()

    class Connection(socketserver.StreamRequestHandler):
        rbufsize = 0  # what follows the last line of the greeting is read from the socket itself

        def handle(self) -> None:
            _authenticate(self)
            parser, serial = Parser(), 0
            while piece := self.connection.recv(65_536):
                parser.add_data(piece)
                while (message := parser.get_next_message()) is not None:
                    if message.header.message_type is MessageType.method_call:
                        serial += 1
                        self.wfile.write(service.answer(message).serialise(serial))

    class Bus(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    path = folder / "bus"
    server = Bus(os.fspath(path), Connection)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    service.address = f"unix:path={path}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _authenticate(connection: socketserver.StreamRequestHandler) -> None:
    """Take the user by the kernel's word, as a bus on a socket does."""
    while not (line := connection.rfile.readline()).startswith(b"BEGIN"):
        if not line:
            return
        known = line.lstrip(b"\0").startswith(b"AUTH EXTERNAL")
        connection.wfile.write(b"OK 1234deadbeef\r\n" if known else b"ERROR\r\n")
