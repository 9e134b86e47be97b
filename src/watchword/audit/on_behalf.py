"""For whom a request at an admin socket is made: the console passes on who asked it. Never checks who that is.

Whoever may write to an admin socket owns the home and could say anything; the rows say what was said, and the console's
own trail has the same under the session's id.
"""

from typing import Final

import msgspec

#: Longest name, address, factor or id that is taken; the trail bounds its texts as well.
TEXT_LENGTH_MAX: Final = 128


class OnBehalf(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody at the console.

    Attributes:
        person: The name they sign in with.
        ip: From where they asked.
        factor: The second factor they last showed, for example `totp`; empty where none was asked for.
        session: Id of their session or API token, under which the console's trail has the same request.
    """

    person: str
    ip: str = ""
    factor: str = ""
    session: str = ""


def actor_of(on_behalf: OnBehalf | None, otherwise: str) -> str:
    """Say who did it, for the trail.

    Args:
        on_behalf: As the request says; None where the socket's own user asks.
        otherwise: Who that is.
    """
    return otherwise if on_behalf is None else on_behalf.person[:TEXT_LENGTH_MAX]


def values_of(on_behalf: OnBehalf | None) -> dict[str, str]:
    """Say from where and by which factor, for the values of a trail's row; empty where nobody is named."""
    if on_behalf is None:
        return {}
    said = {"from": on_behalf.ip, "factor": on_behalf.factor, "session": on_behalf.session}
    return {name: text[:TEXT_LENGTH_MAX] for name, text in said.items() if text}
