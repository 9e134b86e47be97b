"""What a page says once after a form was taken. Names travel in a cookie, texts never do: nobody else can put words here."""

from typing import Final, Literal, get_args

ToastName = Literal[
    "account-opened",
    "contact-changed",
    "factor-added",
    "factor-removed",
    "key-changed",
    "key-deleted",
    "keys-deleted",
    "password-changed",
    "session-ended",
    "sessions-ended",
    "signed-out",
    "welcome",
]

TEXTS: Final[dict[str, str]] = {
    "account-opened": "The account is open.",
    "contact-changed": "Your contact was changed.",
    "factor-added": "The second factor was added.",
    "factor-removed": "The second factor was removed.",
    "key-changed": "The API key was changed.",
    "key-deleted": "The API key was deleted.",
    "keys-deleted": "All API keys of the account were deleted.",
    "password-changed": "Your password was changed. Other sessions ended.",
    "session-ended": "The session ended.",
    "sessions-ended": "All other sessions ended.",
    "signed-out": "You are signed out.",
    "welcome": "You are set up. Welcome to Watchword.",
}


def text_of(name: str) -> str:
    """Say a toast in words; empty for a name we never gave."""
    return TEXTS.get(name, "") if name in get_args(ToastName) else ""
