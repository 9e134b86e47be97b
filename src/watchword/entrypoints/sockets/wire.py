"""One HTTP request as it was received: what REST and the WebSocket upgrade read. Holds no behaviour."""


class HttpRequest:
    """A request. `query` and `body` are the bytes on the wire: signatures cover them.

    Attributes:
        ip: The caller's address.
        method: Upper case.
        path: Without the query string, percent-escapes untouched.
        api_key: Value of X-MBX-APIKEY, None where the header is absent.
        time_unit: Value of X-MBX-TIME-UNIT.
        gzip: The caller takes gzip.
        html: The caller takes HTML.
        keep_alive: The connection stays open after the reply.
        headers: The few that a WebSocket upgrade needs, names in lower case.
    """

    __slots__ = (
        "api_key", "body", "gzip", "headers", "html", "ip", "keep_alive", "method", "path", "query", "time_unit",
    )  # fmt: skip

    def __init__(self, ip: str) -> None:
        self.ip = ip
        self.method = ""
        self.path = ""
        self.query = b""
        self.body = b""
        self.api_key: str | None = None
        self.time_unit: bytes | None = None
        self.gzip = False
        self.html = False
        self.keep_alive = True
        self.headers: dict[bytes, bytes] = {}
