"""Whatever people do in whatever order: an owner remains, nobody gone or disabled gets in, a restart changes nothing."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.support.examples import examples
from tests.support.people import ELSEWHERE, HOME, NOW_US, RIGHT, STEP_US, WRONG, House

from watchword.accounts.model import ROW_KINDS, Person, Session, TotpFactor
from watchword.accounts.refusal import Refused
from watchword.accounts.roles import ROLES
from watchword.accounts.sessions import SESSIONS_PER_PERSON_MAX
from watchword.accounts.sign_in import SignedIn

NAMES = ("olga", "otto", "ana", "ben")


def bare(house: House) -> dict[str, str]:
    """Return every row as text, a seed as its bytes, so that two houses can be compared."""
    rows = [row for kind in ROW_KINDS for row in house.register.everything(kind)]
    seeds = [row.seed.reveal().hex() for row in rows if isinstance(row, TotpFactor)]
    texts = {f"{type(row).__name__} {row.id}": repr(row) for row in rows}
    passwords = {row.id: row.password for row in rows if isinstance(row, Person)}
    return texts | passwords | dict.fromkeys(seeds, "")


class PeopleOverTime(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.house.enrolled("olga")
        self.now_us = NOW_US
        self.tokens: dict[str, str] = {}

    def _who(self, name: str) -> Person | None:
        return self.house.people.called(name)

    @rule(name=st.sampled_from(NAMES), role=st.sampled_from(ROLES))
    def comes(self, name: str, role: str) -> None:
        if self._who(name) is None:
            self.house.enrolled(name, role, self.now_us)  # type: ignore[arg-type]

    @rule(name=st.sampled_from(NAMES), by=st.sampled_from((*NAMES, None)), role=st.sampled_from(ROLES))
    def role_changes(self, name: str, by: str | None, role: str) -> None:
        person, actor = self._who(name), self._who(by) if by else None
        if person is not None and (by is None or actor is not None):
            done = self.house.people.set_role(actor, person.id, role)  # type: ignore[arg-type]
            allowed_up = actor is None or actor.role == "owner"
            assert allowed_up or isinstance(done, Refused) or "owner" not in {person.role, role}

    @rule(
        name=st.sampled_from(NAMES),
        by=st.sampled_from((*NAMES, None)),
        what=st.sampled_from(("remove", "disable", "enable", "anew")),
    )
    def person_changes(self, name: str, by: str | None, what: str) -> None:
        person, actor = self._who(name), self._who(by) if by else None
        if person is None or (by is not None and actor is None):
            return
        people = self.house.people
        match what:
            case "remove":
                people.remove(actor, person.id)
            case "disable":
                people.disable(actor, person.id, self.now_us)
            case "enable":
                people.enable(actor, person.id)
            case _ if actor is not None and not actor.disabled_us and actor.enrolled_us:
                people.invite_anew(actor, person.id, self.now_us)

    @rule(name=st.sampled_from(NAMES), right=st.booleans(), ip=st.sampled_from((HOME, ELSEWHERE)))
    def signs_in(self, name: str, right: bool, ip: object) -> None:
        self.now_us += STEP_US
        step = self.house.password(
            name, RIGHT if right else WRONG, HOME if ip is HOME else ELSEWHERE, self.now_us
        )
        assert right or not isinstance(step, SignedIn)
        if isinstance(step, SignedIn) and step.opened.session.stage == "factor":
            code = self.house.code(step.person, self.now_us)
            full = self.house.desk.factor_shown(step.opened.session, code, HOME, self.now_us)
            if isinstance(full, SignedIn):
                self.tokens[full.opened.token] = step.person.id
                again = self.house.desk.factor_shown(full.opened.session, code, HOME, self.now_us)
                assert not isinstance(again, SignedIn)

    @rule(minutes=st.integers(min_value=1, max_value=400))
    def time_passes(self, minutes: int) -> None:
        self.now_us += minutes * 60_000_000
        self.house.sessions.sweep(self.now_us)

    @rule()
    def restarts(self) -> None:
        self.house.register.flush()
        before = bare(self.house)
        entropy = self.house.entropy
        self.house = House(self.house.store, entropy)
        assert bare(self.house) == before

    @invariant()
    def an_owner_who_can_sign_in_remains(self) -> None:
        owners = [one for one in self.house.people.listed() if one.role == "owner" and not one.disabled_us]
        assert any(one.enrolled_us for one in owners)

    @invariant()
    def only_people_who_may_are_in(self) -> None:
        for token, person_id in self.tokens.items():
            hit = self.house.sessions.find(token, HOME.ip, self.now_us)
            if hit is not None:
                person = self.house.people.get(person_id)
                assert person is not None
                assert not person.disabled_us
                assert person.enrolled_us
        for person in self.house.people.listed():
            assert len(self.house.register.of_person(Session, person.id)) <= SESSIONS_PER_PERSON_MAX


TestPeopleOverTime = PeopleOverTime.TestCase
TestPeopleOverTime.settings = settings(max_examples=examples(60), stateful_step_count=30, deadline=None)
