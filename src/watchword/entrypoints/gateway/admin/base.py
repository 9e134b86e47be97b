"""What every request to the gateway's admin socket has: an `op`, and perhaps a person on whose behalf it comes."""

import msgspec

from watchword.audit.on_behalf import OnBehalf


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", forbid_unknown_fields=True):
    """What all requests share.

    Attributes:
        on_behalf: For whom the console asks; None for the socket's own user.
    """

    on_behalf: OnBehalf | None = None
