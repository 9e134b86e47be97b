"""A TLS handshake in memory, the client verifying as strictly as OpenSSL can. No sockets."""

import ssl


def shake_hands(trusted: str, server: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Shake hands.

    Args:
        trusted: PEM of the one authority the client trusts.
        server: The other side.
        name: Whom the client wants to speak to.

    Returns:
        The client's side.

    Raises:
        ssl.SSLError: The client does not accept what it is shown.
    """
    context = ssl.create_default_context(cadata=trusted)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname=name)
    pending = [client, server.wrap_bio(to_server, to_client, server_side=True)]
    while pending:
        for side in tuple(pending):
            try:
                side.do_handshake()
                pending.remove(side)
            except ssl.SSLWantReadError:
                continue
    return client


def shaken(trusted: str, server: ssl.SSLContext, name: str) -> bytes | None:
    """Shake hands and return the server's certificate, DER; None where the client does not accept it."""
    try:
        return shake_hands(trusted, server, name).getpeercert(binary_form=True)
    except ssl.SSLError:
        return None
