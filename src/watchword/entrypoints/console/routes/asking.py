"""Asking other processes for a caller: on whose behalf. Decides nothing."""

from typing import Any

from watchword.audit.on_behalf import OnBehalf
from watchword.entrypoints.console.route import Ask


def behalf_of(ask: Ask[Any, Any]) -> OnBehalf:
    """Say for whom another process is asked: the member `on_behalf` of an admin request."""
    return OnBehalf(**ask.on_behalf())
