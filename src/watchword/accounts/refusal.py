"""What cannot be done with people, and why, as a value. Never says anything that was not asked by somebody who may know."""

from typing import Literal, TypeAlias

import msgspec

#: Stable words for programs; the reason beside them is for people and may change.
RefusalCode: TypeAlias = Literal[
    "not_found",
    "not_allowed",
    "taken",
    "bad_name",
    "bad_mail",
    "bad_phone",
    "bad_label",
    "bad_subject",
    "bad_scopes",
    "bad_ips",
    "bad_expiry",
    "bad_password",
    "bad_factor",
    "too_many",
    "too_soon",
    "last_owner",
    "last_factor",
    "not_enrolled",
    "already_founded",
    "invitation_over",
]


class Refused(msgspec.Struct, frozen=True):
    """A change that was not made.

    Attributes:
        code: Which kind of refusal.
        reason: What to do instead, for people.
    """

    code: RefusalCode
    reason: str
