"""Calls routes of the management API from within: the same dispatch, so the same rules. Adds no right of its own.

A page never asks stores or neighbours: role, scope, freshness, rate limits and the audit row exist once, behind here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from watchword.accounts.model import Origin
from watchword.entrypoints.console.application import PATH_VALUE_PATTERN
from watchword.entrypoints.console.dispatch import Arrived, Dispatch
from watchword.entrypoints.console.problem import NOT_FOUND, Problem
from watchword.entrypoints.console.reading import MEDIA_TYPE
from watchword.entrypoints.console.route import Route
from watchword.kernel.errors import invariant

_PATH_VALUE: Final = re.compile(PATH_VALUE_PATTERN)


class Calls:
    """The routes of a table, by name."""

    def __init__(self, dispatch: Dispatch, table: Sequence[Route]) -> None:
        """Call through a dispatch.

        Args:
            dispatch: The API's own, so that its rate limits count pages too.
            table: All routes.
        """
        self._dispatch = dispatch
        self._routes = {route.name: route for route in table}

    async def call(
        self,
        name: str,
        token: str | None,
        origin: Origin,
        request: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        """Call one route as a session.

        Args:
            name: The route's name, for example `listKeys`.
            token: Of the session; None for nobody.
            origin: Address and device of the browser.
            request: The page request's id, which the trail has too.
            path: Values of the path's parameters.
            query: Parameters; empty ones are left out.
            body: A mapping as JSON has it; None for none.

        Returns:
            A struct of the route's `answer`, None, or a `Problem`.
        """
        route = self._routes.get(name)
        invariant(route is not None, f"a page called a route that is not there: {name}")
        assert route is not None  # noqa: S101 - for mypy; the line above raised
        values = dict(path or {})
        if not all(_PATH_VALUE.fullmatch(value) for value in values.values()):
            return Problem(NOT_FOUND)
        content = b"" if body is None else msgspec.json.encode(body)

        async def read() -> bytes | Problem:
            return content

        pairs = [(key, value) for key, value in (query or {}).items() if value]
        arrived = Arrived(values, pairs, token, MEDIA_TYPE, origin, request, read)
        return await self._dispatch.answer(route, arrived)
