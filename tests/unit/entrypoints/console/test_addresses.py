"""Addresses over the management API: taken by code, the one before told; sent codes beside stronger factors; tokens with IP lists."""

from typing import Any

import pytest
from tests.support.console_people import PASSWORD, PeopleConsole

from watchword.accounts.message_codes import CODES_PER_HOUR_MAX, TRIES_MAX, WAIT_BETWEEN_MS
from watchword.accounts.model import Person, TotpFactor
from watchword.accounts.sessions import FRESH_MS_MAX
from watchword.adapters.memory.messages import MemoryOutbox
from watchword.audit.event import Change, Outcome, Refusal
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem

NEW = "ann@elsewhere.example"
WAIT_US = WAIT_BETWEEN_MS * 1_000
DAY_US = 86_400_000_000


@pytest.fixture
def console() -> PeopleConsole:
    made = PeopleConsole()
    made.person("ann", "trader")
    return made


def code_in(console: PeopleConsole) -> str:
    """The digits of the last message."""
    return next(word for word in console.outbox.sent[-1].text.split() if word.isdigit() and len(word) == 6)


def off(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def started(
    console: PeopleConsole, token: str, address: str = NEW, channel: str = "mail"
) -> tuple[str, str]:
    """Start a change of contact; returns its id and the code that was sent."""
    made = await console.call("POST", "/self/contact/codes", token, {"channel": channel, "address": address})
    assert not isinstance(made, Problem), made
    assert console.outbox.sent[-1].address == address
    return made.id, code_in(console)


async def confirmed(console: PeopleConsole, token: str, change: str, code: str) -> Any:
    return await console.call("POST", "/self/contact/confirmation", token, {"id": change, "code": code})


def only_messages(console: PeopleConsole) -> None:
    """Leave somebody with codes by mail and nothing else."""
    ann = console.person("ann", "trader")
    console.register.write([], console.register.of_person(TotpFactor, ann.id))


async def with_mail_factor(console: PeopleConsole, address: str = NEW) -> str:
    token = console.session_of("ann")
    body = {"channel": "mail", "address": address}
    begun = await console.call("POST", "/self/factors/addresses", token, body)
    path = f"/self/factors/addresses/{begun.id}/confirmation"
    added = await console.call("POST", path, token, {"code": code_in(console)})
    console.clock.us += WAIT_US
    return str(added.factor.id)


async def test_contact_changes_by_code_and_the_old_address_is_told(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    change, code = await started(console, token)
    assert (await console.call("GET", "/self", token)).mail == "ann@example.org"
    assert (await confirmed(console, token, change, off(code))).kind is told.REFUSED
    assert await confirmed(console, token, change, code) is None
    myself = await console.call("GET", "/self", token)
    assert (myself.mail, myself.mail_confirmed, myself.phone_confirmed) == (NEW, True, False)
    assert [(one.address, one.subject) for one in console.outbox.sent[1:]] == [
        ("ann@example.org", "Contact changed")
    ]
    signed = await console.call("POST", "/sign-in", None, {"login": NEW, "password": PASSWORD})
    assert signed.stage == "factor"
    # Half signed in, neither the address nor whether it is confirmed is told.
    half = await console.call("GET", "/self", signed.token)
    assert (half.mail, half.mail_confirmed, half.password_us) == ("", False, 0)


async def test_phone_changes_and_the_old_number_is_told(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    assert await confirmed(console, token, *await started(console, token, "+4930123456", "sms")) is None
    console.clock.us += WAIT_US
    assert await confirmed(console, token, *await started(console, token, "+4930999999", "sms")) is None
    told_to = [(one.channel, one.address) for one in console.outbox.sent[-2:]]
    assert told_to == [("mail", "ann@example.org"), ("sms", "+4930123456")]
    # Removed without a code, as the page does: the number is told as well.
    body = {"mail": "ann@example.org", "phone": ""}
    assert await console.call("PUT", "/self/contact", token, body) is None
    assert console.outbox.sent[-1].address == "+4930999999"


async def test_confirming_the_present_address_tells_nobody(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    assert await confirmed(console, token, *await started(console, token, "ann@example.org")) is None
    assert len(console.outbox.sent) == 1
    assert (await console.call("GET", "/self", token)).mail_confirmed


async def test_change_without_a_code_is_not_confirmed(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    assert await confirmed(console, token, *await started(console, token, "ann@example.org")) is None
    assert await console.call("PUT", "/self/contact", token, {"mail": NEW}) is None
    myself = await console.call("GET", "/self", token)
    assert (myself.mail, myself.mail_confirmed) == (NEW, False)


async def test_codes_need_a_fresh_factor_at_both_steps(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    change, code = await started(console, token)
    console.clock.us += (FRESH_MS_MAX + 1) * 1_000
    body = {"channel": "mail", "address": NEW}
    assert (await console.call("POST", "/self/contact/codes", token, body)).kind is told.STALE_FACTOR
    assert (await confirmed(console, token, change, code)).kind is told.STALE_FACTOR
    draft = {"label": "bot", "scopes": ["self.write"], "expires_us": console.clock.us + DAY_US}
    bot = await console.call("POST", "/self/tokens", console.session_of("ann"), draft)
    assert (await confirmed(console, bot.token, change, code)).kind is told.TOKEN_REFUSED
    assert (await console.call("GET", "/self", token)).mail == "ann@example.org"


async def test_another_person_cannot_use_the_code(console: PeopleConsole) -> None:
    change, code = await started(console, console.session_of("ann"))
    bob = console.session_of("bob", "owner")
    assert (await confirmed(console, bob, change, code)).kind is told.NOT_FOUND
    assert (await console.call("GET", "/self", bob)).mail == "bob@example.org"


async def test_code_in_another_tab_of_the_same_person_counts_once(console: PeopleConsole) -> None:
    first, second = console.session_of("ann"), console.session_of("ann")
    change, code = await started(console, first)
    assert await confirmed(console, second, change, code) is None
    assert (await confirmed(console, first, change, code)).kind is told.NOT_FOUND


async def test_signed_out_disabled_or_removed_person_confirms_nothing(console: PeopleConsole) -> None:
    ann = console.person("ann", "trader")
    token = console.session_of("ann")
    change, code = await started(console, token)
    console.people.disable(None, ann.id, console.clock.us)
    assert (await confirmed(console, token, change, code)).kind is told.NOT_SIGNED_IN
    console.people.enable(None, ann.id)
    assert (await confirmed(console, token, change, code)).kind is told.NOT_SIGNED_IN
    # With a new session of hers it is still hers to confirm.
    assert await confirmed(console, console.session_of("ann"), change, code) is None
    console.people.remove(None, ann.id)
    assert console.people.called(NEW) is None


async def test_guessing_codes_is_bounded_by_tries_and_codes(console: PeopleConsole) -> None:
    token, judged = console.session_of("ann"), 0
    for _ in range(3 * CODES_PER_HOUR_MAX):
        body = {"channel": "mail", "address": NEW}
        begun = await console.call("POST", "/self/contact/codes", token, body)
        if isinstance(begun, Problem):
            assert begun.kind is told.TOO_MANY
            break
        wrong = off(code_in(console))
        for _ in range(TRIES_MAX + 3):
            judged += (await confirmed(console, token, begun.id, wrong)).kind is told.REFUSED
        console.clock.us += WAIT_US
        token = console.session_of("ann")
    assert judged == TRIES_MAX * CODES_PER_HOUR_MAX


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.org\r\nBcc: eve@evil.example",
        "eve@evil.example\nSubject: x",
        "a b@example.org",
        "",
        "x" * 300,
    ],
)
async def test_address_with_a_header_in_it_is_sent_nothing(console: PeopleConsole, address: str) -> None:
    for path in ("/self/contact/codes", "/self/factors/addresses"):
        answer = await console.call(
            "POST", path, console.session_of("ann"), {"channel": "mail", "address": address}
        )
        assert answer.kind in {told.REFUSED, told.INVALID}
    assert console.outbox.sent == []


async def test_other_channel_than_the_consoles_sends_nothing(console: PeopleConsole) -> None:
    console.sender = console.outbox = MemoryOutbox(("mail",))
    token = console.session_of("ann")
    assert (await console.call("GET", "/self/factors", token)).channels == ["mail"]
    for path in ("/self/contact/codes", "/self/factors/addresses"):
        answer = await console.call("POST", path, token, {"channel": "sms", "address": "+4930123456"})
        assert answer.kind is told.UNAVAILABLE
    # Neither took a turn of what is sent in an hour.
    assert await confirmed(console, token, *await started(console, token)) is None


async def test_trail_says_what_was_changed_to_what_and_never_the_code(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    change, code = await started(console, token)
    await confirmed(console, token, change, off(code))
    await confirmed(console, token, change, code)
    rows = [(row.action, row.values.get("address")) for row in console.trail.of(Change)]
    assert rows == [("person:contact-started", NEW)] + [("person:contact-confirmed", NEW)] * 2
    assert [one.result for one in console.trail.of(Outcome)] == ["not_sent"]
    assert code not in repr(console.trail.events)


async def test_removed_or_replaced_address_is_told_unless_mails_still_go_there(
    console: PeopleConsole,
) -> None:
    former = await with_mail_factor(console)
    token = console.session_of("ann")
    body = {"channel": "sms", "address": "+4930123456"}
    begun = await console.call("POST", "/self/factors/addresses", token, body)
    path = f"/self/factors/addresses/{begun.id}/confirmation"
    added = await console.call("POST", path, token, {"code": code_in(console), "replaces": former})
    assert added.factor.kind == "sms"
    assert [(one.address, one.subject) for one in console.outbox.sent[-2:]] == [
        (NEW, "Address removed"), ("ann@example.org", "Second factor added"),
    ]  # fmt: skip
    assert await console.call("DELETE", f"/self/factors/{added.factor.id}", token) is None
    assert [one.channel for one in console.outbox.sent[-2:]] == ["mail", "sms"]
    console.clock.us += WAIT_US
    own = await with_mail_factor(console, "ann@example.org")
    count = len(console.outbox.sent)
    assert await console.call("DELETE", f"/self/factors/{own}", console.session_of("ann")) is None
    assert [one.subject for one in console.outbox.sent[count:]] == ["Second factor removed"]


async def test_sent_code_steps_up_only_where_nothing_is_stronger(console: PeopleConsole) -> None:
    factor = await with_mail_factor(console)
    token = console.session_of("ann")
    wanted, shown = {"factor_id": factor}, {"attempt": {"type": "message", "factor_id": factor}}
    assert (await console.call("POST", "/sign-in/code", token, wanted)).kind is told.REFUSED
    first = await console.call("POST", "/sign-in", None, {"login": "ann", "password": PASSWORD})
    assert await console.call("POST", "/sign-in/code", first.token, wanted) is None
    shown["attempt"]["code"] = code_in(console)
    # A code asked for at the sign-in of one device does not step up another one either.
    assert (await console.call("POST", "/step-up", token, shown)).kind is told.FACTOR_REFUSED
    assert "stronger" in console.trail.of(Refusal)[-1].reason
    full = await console.call("POST", "/sign-in/factor", first.token, shown)
    assert full.stage == "full"
    myself = await console.call("GET", "/self", full.token)
    assert (myself.factor, myself.fresh) == ("mail", False)
    assert (await console.call("POST", "/self/recovery-codes", full.token)).kind is told.STALE_FACTOR
    only_messages(console)
    console.clock.us += WAIT_US
    assert await console.call("POST", "/sign-in/code", full.token, wanted) is None
    shown["attempt"]["code"] = code_in(console)
    fresh = await console.call("POST", "/step-up", full.token, shown)
    assert (await console.call("GET", "/self", fresh.token)).fresh
    assert (await console.call("POST", "/step-up", fresh.token, shown)).kind is told.FACTOR_REFUSED
    assert len((await console.call("POST", "/self/recovery-codes", fresh.token)).codes) == 10


async def test_code_is_not_sent_to_another_persons_address(console: PeopleConsole) -> None:
    factor = await with_mail_factor(console)
    only_messages(console)
    count = len(console.outbox.sent)
    bob = console.session_of("bob", "owner")
    answer = await console.call("POST", "/sign-in/code", bob, {"factor_id": factor})
    assert answer.kind is told.NOT_FOUND
    assert len(console.outbox.sent) == count


async def test_token_from_elsewhere_is_nobodys_and_the_trail_says_whose(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    draft = {
        "label": "bot", "scopes": ["self.read"], "expires_us": console.clock.us + DAY_US, "ips": ["192.0.2.0/24"],
    }  # fmt: skip
    made = await console.call("POST", "/self/tokens", token, draft)
    assert made.about.ips == ["192.0.2.0/24"]
    assert console.outbox.sent[-1].subject == "New API token"
    assert made.token not in console.outbox.sent[-1].text
    assert not isinstance(await console.call("GET", "/self", made.token, ip="192.0.2.9"), Problem)
    answer = await console.call("GET", "/self", made.token, ip="203.0.113.9")
    assert answer.kind is told.NOT_SIGNED_IN
    (row,) = console.trail.of(Refusal)
    assert (row.rule, row.ip, row.values["person"], row.values["through"]) == (
        "token:elsewhere", "203.0.113.9", "ann", made.about.id,
    )  # fmt: skip
    assert made.token not in repr(console.trail.events)
    wide = {**draft, "label": "wide", "ips": ["0.0.0.0/0"]}
    assert (await console.call("POST", "/self/tokens", token, wide)).kind is told.REFUSED


@pytest.mark.parametrize(
    ("query", "outcomes"),
    [
        ("", ["locked", "factor_wrong", "signed_in"]),
        ("?result=failed", ["locked", "factor_wrong"]),
        ("?result=succeeded", ["signed_in"]),
        ("?outcome=locked", ["locked"]),
        ("?query=203.0", ["locked"]),
        ("?query=FIREFOX", ["factor_wrong"]),
        ("?result=failed&query=firefox", ["factor_wrong"]),
        ("?query=%25", []),
    ],
)
async def test_history_is_searched(console: PeopleConsole, query: str, outcomes: list[str]) -> None:
    from watchword.accounts.model import Origin

    ann = console.person("ann", "trader")
    for at, (outcome, ip, agent) in enumerate(
        (("signed_in", "192.0.2.1", "curl"), ("factor_wrong", "192.0.2.1", "Firefox"), ("locked", "203.0.113.1", "x"))
    ):  # fmt: skip
        console.history.note(ann.id, outcome, None, Origin(ip, agent), console.clock.us + at)  # type: ignore[arg-type]
    found = await console.call("GET", f"/self/history{query}", console.session_of("ann"))
    assert [line.outcome for line in found.items] == outcomes
    olga = console.session_of("olga", "owner")
    same = await console.call("GET", f"/people/{ann.id}/history{query}", olga)
    assert [line.outcome for line in same.items] == outcomes


async def test_history_comes_page_by_page(console: PeopleConsole) -> None:
    from watchword.accounts.model import Origin

    ann = console.person("ann", "trader")
    for at in range(7):
        console.history.note(
            ann.id, "signed_in", "totp", Origin("192.0.2.1", f"d{at}"), console.clock.us + at
        )
    token, seen, after = console.session_of("ann"), [], ""
    while True:
        page = await console.call("GET", f"/self/history?limit=3&after={after}", token)
        seen += [line.agent for line in page.items]
        if page.next is None:
            break
        after = page.next
    assert seen == [f"d{at}" for at in range(6, -1, -1)]
    assert isinstance(console.register.get(Person, ann.id), Person)
