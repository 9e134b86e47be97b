"""Open routes about the server itself: whether it is there, and what it can do. They tell nothing about anybody."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import msgspec

from watchword.entrypoints.console.route import Ask, Route

if TYPE_CHECKING:
    from collections.abc import Mapping

TAG: Final = "about"


class About(msgspec.Struct, frozen=True):
    """What this server is.

    Attributes:
        version: Of Watchword.
        now_us: Its clock.
        channels: Over what it can send codes: `mail`, `sms`.
    """

    version: str
    now_us: int
    channels: list[str]


class Document(msgspec.Struct, frozen=True):
    """The OpenAPI document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]


async def show_about(ask: Ask[None, None]) -> About:
    """Say what this server is."""
    return About(version("watchword"), ask.now_us, sorted(ask.console.sender.channels()))


async def show_document(ask: Ask[None, None]) -> "Mapping[str, Any]":
    """Give the OpenAPI document."""
    return ask.console.document


ROUTES: Final = (
    Route(
        method="GET", path="/about", name="showAbout", summary="What this server is.", tag=TAG, action=None,
        handler=show_about, answer=About,
    ),
    Route(
        method="GET", path="/openapi.json", name="showDocument", summary="This document.", tag=TAG, action=None,
        handler=show_document, answer=Document,
    ),
)  # fmt: skip
