"""The TLS context of a server whose certificate lies in memory. Never writes it to a file system."""

import os
import ssl


def server_context(pem: bytes) -> ssl.SSLContext:
    """Make the TLS context of a server: TLS 1.2 or 1.3, HTTP/1.1, no client certificates.

    Args:
        pem: What `Authority.issue` gave. It is handed to OpenSSL through memory: no file holds it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return context
