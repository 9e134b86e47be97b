"""Everything a console tells its pages: who looks at what, which of the looks that needs, and what its own people change.

Idle costs nothing: without viewers no neighbour is asked. What people change through this console is told at once, by the
register of people or by looking at the neighbours right after a change; what others change, within a second.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, final

from watchword.accounts.model import Assignment, ExchangeOwnership, Person, Row
from watchword.adapters.vault_home import vault_path
from watchword.bootstrap.audit_search import AuditSearch
from watchword.bootstrap.vault_view import Listed, listed, store_of
from watchword.entrypoints.console.live.account_relay import AccountRelay
from watchword.entrypoints.console.live.bulletin import Bulletin
from watchword.entrypoints.console.live.change_viewer import ChangeViewer
from watchword.entrypoints.console.live.looking import Looking
from watchword.entrypoints.console.live.neighbour_looks import GatewayLook, SnapshotLook, TestnetLook
from watchword.entrypoints.console.live.topics import ANY, Reading, Topic, Wanted
from watchword.entrypoints.console.neighbours import neighbours_of, shaped
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.vault import requests as vault

if TYPE_CHECKING:
    from watchword.bootstrap.console import Console
    from watchword.entrypoints.console.route import Caller

#: Under which a vault's seal stands beside its credentials.
SEAL: Final = ANY
_GIVEN: Final[dict[str, Topic]] = {"virtual": "virtual_keys", "credential": "vault"}


class _AccountEvents:
    """A viewer of an account's events that passes on only that there are some."""

    def __init__(self, viewer: ChangeViewer, account: int) -> None:
        self.interval, self.dropped = "", False
        self._viewer, self._account = viewer, str(account)

    def give(self, _: bytes) -> None:
        self._viewer.note("account", self._account)

    def drop(self) -> None:
        self._viewer.drop()


@final
class ChangesDesk:
    """One for each console.

    When unavailable: pages hear nothing of what cannot be looked at, and go on as they are.
    """

    def __init__(self, console: "Console", accounts: AccountRelay) -> None:
        """Look at a console; nothing is asked yet.

        Args:
            console: Whose pages.
            accounts: What happens in accounts of the testnet.
        """
        self._console, self._accounts = console, accounts
        bulletin = self._bulletin = Bulletin(console.clock.now_us())
        gateway = self._gateway = GatewayLook(console, bulletin, self._counted)
        at_gateway = Looking("the gateway", gateway.look)
        self._looks: dict[Topic, Looking] = {
            "keys": Looking("the testnet's keys", TestnetLook(console, bulletin).look),
            "virtual_keys": at_gateway,
            "approvals": at_gateway,
            "vault": Looking("the vault", SnapshotLook(console, bulletin, "vault", self._vault).look),
            "audit": Looking("the trails", SnapshotLook(console, bulletin, "audit", self._trails).look),
        }
        self._vault_file: tuple[Any, dict[str, Any]] = (None, {})
        console.register.on_changed.append(self._people_changed)

    def viewer(self, who: "Caller", wanted: Sequence[Wanted]) -> ChangeViewer:
        """Make a viewer, who is told nothing yet.

        Args:
            who: Who looks.
            wanted: What their page shows.
        """
        return ChangeViewer(wanted, Reading(self._console, who, self._gateway.approvers), self._count)

    def join(self, viewer: ChangeViewer, wanted: Sequence[Wanted], since_us: int) -> Callable[[], None]:
        """Tell a viewer from now on.

        Args:
            viewer: From `viewer`.
            wanted: As given there.
            since_us: When its page was rendered, epoch microseconds.

        Returns:
            What ends it.
        """
        looks = [self._looks[topic] for topic in viewer.topics if topic in self._looks]
        ends: list[Callable[[], None]] = [look.leave for look in looks]
        for look in looks:
            look.join()
        accounts = [one.subject for one in wanted if one.topic == "account" and one.subject.isdecimal()]
        ends += [self._account(viewer, int(one)) for one in accounts if viewer.may_know("account", one)]
        self._bulletin.join(viewer, since_us)
        viewer.note_count("approvals")

        def leave() -> None:
            self._bulletin.leave(viewer)
            for end in ends:
                end()

        return leave

    def tell_person(self, person_id: str, topic: Topic) -> None:
        """Tell one person's pages that something of theirs went on."""
        self._bulletin.tell_person(person_id, topic)

    def look_soon(self) -> None:
        """Look at all that is looked at: something was changed through this console."""
        for look in self._looks.values():
            look.soon()

    def close(self) -> None:
        """End every viewer and every look."""
        self._bulletin.drop_all()
        for look in self._looks.values():
            look.close()

    def _account(self, viewer: ChangeViewer, account: int) -> Callable[[], None]:
        """Pass on that something happens in an account; where too many are looked at the page is still there, as it is."""
        events: Any = _AccountEvents(viewer, account)
        if not self._accounts.join(account, events):
            return lambda: None
        return lambda: self._accounts.leave(account, events)

    def _counted(self, topic: Topic) -> None:
        for viewer in self._bulletin.viewers:
            viewer.note_count(topic)

    def _count(self, topic: Topic, reading: Reading) -> int | None:
        return self._gateway.waiting(reading) if topic == "approvals" else None

    def _people_changed(self, rows: Sequence[Row]) -> None:
        """Tell of people, their sessions and what is given to them; called after each change of the register."""
        bulletin, now_us = self._bulletin, self._console.clock.now_us()
        people = {row.id if isinstance(row, Person) else getattr(row, "person_id", "") for row in rows} - {""}
        for topic in ("people", "sessions"):
            bulletin.publish(topic, people, now_us)
        for row in rows:
            if isinstance(row, Assignment):
                bulletin.publish(_GIVEN[row.kind], [row.subject], now_us)
                bulletin.tell_person(row.person_id, _GIVEN[row.kind])
            elif isinstance(row, ExchangeOwnership):
                bulletin.tell_person(row.person_id, "keys")

    async def _trails(self) -> dict[str, Any] | None:
        search: AuditSearch | None = self._console.at_hand.get(AuditSearch)
        return None if search is None else {ANY: await asyncio.to_thread(search.rows)}

    async def _vault(self) -> dict[str, Any] | None:
        """The vault's seal, its credentials, and when each was checked last."""
        found = shaped(await neighbours_of(self._console).ask_vault(vault.ShowChanges()), vault.ChangesAnswer)
        records = await asyncio.to_thread(self._credentials)
        if isinstance(found, Problem):
            return {SEAL: None, **records}
        states = {name: (record, found.checked_us.get(name)) for name, record in records.items()}
        return {SEAL: (found.sealed, found.since_us), **states}

    def _credentials(self) -> dict[str, Any]:
        """Read the vault's rows again if its file is not as it was; blocks."""
        store = store_of(self._console.settings.home)
        try:
            about = vault_path(self._console.settings.home).stat()
            state: Any = (about.st_ino, about.st_mtime_ns, about.st_size)
        except OSError:
            state = ()
        if state != self._vault_file[0]:
            rows: list[Listed] = listed(store) if store.exists() else []
            self._vault_file = (state, {row.record.id: row for row in rows})
        return self._vault_file[1]
