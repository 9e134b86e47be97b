"""Signed requests of Watchword's own, for a key: whose is this order, cancel that one, what became of it.

Recorded, signed and sent once, like any request; judged by no policy, since they are parts of what was.
"""

from typing import Final

from watchword.audit.event import Intent
from watchword.binance.endpoints import BY_NAME
from watchword.binance.request import Params
from watchword.binance.upstreams import Upstream
from watchword.credentials.timing import RECV_WINDOW_US_DEFAULT
from watchword.gateway.budgets import Budgets
from watchword.gateway.courier import Courier, Errand
from watchword.gateway.messages import Answer, Refused, Unanswered
from watchword.gateway.ports import ActiveKey, Link, UpstreamTime
from watchword.gateway.recorder import Recorder
from watchword.gateway.routes import place_of, route_named, unlisted_route

#: How long a question of Watchword's own may take on its way.
ASK_WINDOW_US: Final = RECV_WINDOW_US_DEFAULT
OWN_QUESTION: Final = "asked by Watchword itself"


class Asking:
    """Asks for all keys of one process."""

    def __init__(
        self, upstream: Upstream, courier: Courier, budgets: Budgets, time: UpstreamTime, recorder: Recorder
    ) -> None:
        """Take what it needs."""
        self._upstream = upstream
        self._courier = courier
        self._budgets = budgets
        self._time = time
        self._recorder = recorder

    async def ask(
        self,
        credential_id: str,
        key_id: str,
        name: str,
        method: str,
        path: str,
        params: Params,
        link: Link,
        active: ActiveKey | None,
        *,
        for_cancel: bool = False,
    ) -> Answer | Refused | Unanswered:
        """Ask one question; see `Pipeline.ask_as`. `for_cancel`: it is on the way to a cancel, and recorded like one."""
        try:
            route = route_named(name)
        except KeyError:
            route = unlisted_route(name, path)
        now_us = self._time.now_us()
        key = active.key if active is not None else None
        spent = self._budgets.take(route, path, params, key, now_us)
        if type(spent) is Refused:
            return spent
        intent = Intent(
            request=self._recorder.next_id(),
            key=key_id,
            credential=credential_id,
            upstream=self._upstream,
            endpoint=place_of(link.door, method, path),
            only_cancels=for_cancel or route.kind == "cancel",
            client_order_id=params.get("origClientOrderId", ""),
            parameters=params,
            reason=OWN_QUESTION,
            deadline_us=now_us + ASK_WINDOW_US,
        )
        errand = Errand(intent=intent, route=route, door=link.door, method=method, path=path, spent=spent)
        return await self._courier.carry(errand, link)

    async def for_desk(
        self, active: ActiveKey, link: Link, for_cancel: bool, name: str, params: Params
    ) -> Answer | Refused | Unanswered:
        """Ask what the order desk wants to know: by name, over the link of the door the key came by."""
        endpoint, key = BY_NAME[name], active.key
        method, path = (
            ("", endpoint.ws_method) if link.door == "ws" else (endpoint.http_method, endpoint.path)
        )
        return await self.ask(
            key.credential_id, key.id, name, method, path, params, link, active, for_cancel=for_cancel
        )
