"""When something breaks half-way: no signature without a record, nothing sent twice, a trail that tells the truth."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.support.gateway_fakes import API_KEY, OK, ORDER, FakeLink, Rig, wire_of
from tests.support.policies import NOW_US

from watchword.audit.event import Intent, Outcome
from watchword.binance.errors import UNKNOWN_ORDER, WireError
from watchword.credentials.restriction import Restrictions
from watchword.gateway.messages import Answer, Inbound, Outbound, Refused, Unanswered
from watchword.kernel.errors import StorageError
from watchword.vault.outcome import NotFound, Sealed, SealedError

KEY_ID = "vk-abcdefghijkl"
CHARGE = "BTCUSDT ww00000000000000000001"


def assert_nothing_happened(rig: Rig, reply: Any, rule: str, code: int = -1008, status: int = 400) -> None:
    assert isinstance(reply, Refused), reply
    assert (reply.rule, *wire_of(reply)) == (rule, status, code)
    assert not rig.link.sent
    assert CHARGE not in rig.ledger.usage(KEY_ID).open
    assert not rig.ledger.open_orders()
    assert rig.trail.refusals[-1].rule == rule
    assert [row.result for row in rig.trail.outcomes] == ["not_sent"] * len(rig.trail.intents)


# -- before the signature ----------------------------------------------------------------------------------------


async def test_trail_that_cannot_be_written_signs_nothing() -> None:
    rig = Rig()
    rig.trail.fault = "disk full"
    reply = await rig.send(rig.order())
    assert_nothing_happened(rig, reply, "audit")
    assert "disk full" in reply.wire.text
    assert not rig.signers.lent


async def test_ledger_that_cannot_be_written_sends_no_order_but_cancels() -> None:
    rig = Rig()
    rig.ledger.fault = "disk full"
    assert_nothing_happened(rig, await rig.send(rig.order()), "ledger")
    assert not rig.trail.intents, "nothing was reserved, so there is nothing to record but the refusal"
    cancel = rig.rest("DELETE", "/api/v3/order", "symbol=BTCUSDT&orderId=1")
    assert isinstance(await rig.send(cancel), Answer)


async def test_vault_sealed_while_the_record_is_written() -> None:
    rig = Rig()

    def seal(_intent: Intent) -> None:
        rig.signers.is_sealed = True

    rig.trail.on_intent = seal
    assert_nothing_happened(rig, await rig.send(rig.order()), "sealed")


async def test_signer_taken_back_at_the_last_moment() -> None:
    rig = Rig()

    class Gone:
        key_type = "HMAC"

        def sign(self, payload: bytes) -> str:
            raise SealedError

    rig.signers.signers["cred-one"] = Gone()  # type: ignore[assignment]
    assert_nothing_happened(rig, await rig.send(rig.order()), "sealed")


async def test_credential_removed_while_the_record_is_written() -> None:
    rig = Rig()
    rig.trail.on_intent = lambda _intent: rig.signers.records.clear()
    assert_nothing_happened(rig, await rig.send(rig.order()), "vault")


async def test_credential_without_an_api_key_signs_nothing() -> None:
    rig = Rig()
    record = rig.signers.records["cred-one"]
    rig.signers.records["cred-one"] = msgspec.structs.replace(record, api_key="")
    assert_nothing_happened(rig, await rig.send(rig.order()), "vault")


async def test_key_revoked_while_the_record_is_written() -> None:
    rig = Rig()
    rig.trail.on_intent = lambda _intent: rig.keys.forget(API_KEY)
    assert_nothing_happened(rig, await rig.send(rig.order()), "revoked", -2015, 401)


async def test_key_expired_while_the_record_is_written() -> None:
    rig = Rig()

    def expire(_intent: Intent) -> None:
        found = rig.keys.credentials[API_KEY]
        rig.keys.credentials[API_KEY] = msgspec.structs.replace(
            found, restrictions=Restrictions(expires_us=NOW_US)
        )

    rig.trail.on_intent = expire
    assert_nothing_happened(rig, await rig.send(rig.order()), "revoked", -2015, 401)


@pytest.mark.parametrize(("later_us", "sent"), [(4_999_999, 1), (5_000_000, 0), (60_000_000, 0)])
async def test_time_over_while_the_record_is_written(later_us: int, sent: int) -> None:
    rig = Rig()

    def delay(_intent: Intent) -> None:
        rig.time.at_us = NOW_US + later_us

    rig.trail.on_intent = delay
    reply = await rig.send(rig.order())
    assert len(rig.link.sent) == sent
    if not sent:
        assert_nothing_happened(rig, reply, "stale", -1021)


async def test_clock_trouble_refuses_changes_and_lets_reads_pass() -> None:
    rig = Rig()
    rig.time.why = "the clock stepped by 900 ms"
    for inbound in (
        rig.order(),
        rig.rest("DELETE", "/api/v3/order", "symbol=BTCUSDT&orderId=1"),
        rig.rest("POST", "/api/v3/order/test", ORDER + "&newClientOrderId=a"),
    ):
        reply = await rig.send(inbound)
        assert wire_of(reply) == (400, -1008)
        assert reply.rule == "clock"
    assert not rig.trail.intents
    assert isinstance(await rig.send(rig.rest("GET", "/api/v3/account")), Answer)


async def test_clock_trouble_that_comes_while_the_record_is_written() -> None:
    rig = Rig()

    def step(_intent: Intent) -> None:
        rig.time.why = "the clock stepped"

    rig.trail.on_intent = step
    assert_nothing_happened(rig, await rig.send(rig.order()), "clock")


async def test_caller_that_gives_up_during_the_record_leaves_no_reservation() -> None:
    rig = Rig()

    async def hang(_intent: Intent) -> int:
        await asyncio.Event().wait()
        return 0

    rig.trail.record_intent = hang  # type: ignore[method-assign]
    task = asyncio.create_task(rig.send(rig.order()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not rig.ledger.open_orders()
    assert not rig.link.sent


async def test_trail_and_ledger_that_fail_together() -> None:
    rig = Rig()
    rig.trail.fault = rig.ledger.fault = "disk full"
    assert_nothing_happened(rig, await rig.send(rig.order()), "ledger")


# -- after it ----------------------------------------------------------------------------------------------------


async def unknown(rig: Rig, inbound: Inbound) -> None:
    """What became of the request is not known: said so, recorded so, and the retry sends nothing."""
    reply = await rig.send(inbound)
    assert wire_of(reply) == (504, -1007)
    assert reply.rule == "unknown"
    assert [row.result for row in rig.trail.outcomes] == ["unknown"]
    retried = await rig.send(inbound)
    assert wire_of(retried) == (504, -1007)
    assert len(rig.link.sent) == 1


async def test_no_answer_is_unknown_and_a_retry_sends_nothing() -> None:
    rig = Rig()
    rig.link.answers.append(Unanswered(True, "timed out"))
    await unknown(rig, rig.order())
    # What may have been placed stays reserved until somebody knows.
    assert CHARGE in rig.ledger.usage(KEY_ID).open
    assert rig.trail.outcomes[0].note == "timed out"


async def test_nothing_sent_is_a_refusal_and_gives_back() -> None:
    rig = Rig()
    rig.link.answers.append(Unanswered(False, "connection refused"))
    reply = await rig.send(rig.order())
    assert wire_of(reply) == (400, -1008)
    assert reply.rule == "upstream"
    assert CHARGE not in rig.ledger.usage(KEY_ID).open
    assert [row.result for row in rig.trail.outcomes] == ["not_sent"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=502, body=b"<html>"),
        Answer(status=500, body=b'{"code":-1000,"msg":"An unknown error"}'),
        Answer(
            status=503,
            body=b'{"code":-1000,"msg":"Unknown error, please check your request or try again later."}',
        ),
        Answer(status=400, body=b'{"code":-1006,"msg":"An unexpected response was received"}'),
    ],
)
async def test_answer_that_does_not_say_passes_untouched_and_is_recorded_as_unknown(answer: Answer) -> None:
    rig = Rig()
    rig.link.answers.append(answer)
    assert await rig.send(rig.order()) is answer
    assert [(row.result, row.status) for row in rig.trail.outcomes] == [("unknown", answer.status)]
    assert not rig.desk.observed
    retried = await rig.send(rig.order())
    assert wire_of(retried) == (504, -1007)
    assert len(rig.link.sent) == 1


async def test_server_error_on_a_read_is_an_answer() -> None:
    rig = Rig()
    broken = Answer(status=502, body=b"<html>")
    rig.link.answers.append(broken)
    inbound = rig.rest("GET", "/api/v3/account")
    assert await rig.send(inbound) is broken
    assert [row.result for row in rig.trail.outcomes] == ["answered"]
    assert await rig.send(inbound) is broken


async def test_caller_that_gives_up_on_the_way_leaves_an_unknown() -> None:
    rig = Rig()
    rig.link.answers.append(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await rig.send(rig.order())
    assert [row.result for row in rig.trail.outcomes] == ["unknown"]
    assert CHARGE in rig.ledger.usage(KEY_ID).open
    retried = await rig.send(rig.order())
    assert wire_of(retried) == (504, -1007)
    assert len(rig.link.sent) == 1


async def test_identical_request_in_flight_is_unknown_and_acts_once() -> None:
    rig = Rig()
    going, answered = asyncio.Event(), asyncio.Event()

    class Slow(FakeLink):
        async def send(self, request: Outbound) -> Answer | Unanswered:
            self.sent.append(request)
            going.set()
            await answered.wait()
            return OK

    rig.link = Slow()
    first = asyncio.create_task(rig.send(rig.order()))
    await going.wait()
    meanwhile = await rig.send(rig.order())
    assert wire_of(meanwhile) == (504, -1007)
    answered.set()
    assert await first is OK
    assert await rig.send(rig.order()) is OK
    assert len(rig.link.sent) == 1


async def test_two_requests_at_once_cannot_both_use_the_last_of_a_cap() -> None:
    rig = Rig("max_day: {USDT: 1.5}\n")
    replies = await asyncio.gather(
        rig.send(rig.order("&newClientOrderId=a")), rig.send(rig.order("&newClientOrderId=b"))
    )
    assert sorted(type(reply).__name__ for reply in replies) == ["Answer", "Refused"]
    assert len(rig.link.sent) == 1


async def test_cancel_all_given_up_half_way_is_concluded() -> None:
    rig = Rig()
    rig.link.answers.append(StorageError("broken"))
    with pytest.raises(StorageError):
        await rig.send(rig.rest("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT"))
    assert {row.intent: row.result for row in rig.trail.outcomes} == {1: "unknown", 2: "unknown"}


async def test_cancel_all_of_nothing() -> None:
    rig = Rig()
    rig.link.answers.append(Unanswered(False, "connection refused"))
    reply = await rig.send(rig.rest("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT"))
    assert wire_of(reply) == (400, -2011)
    assert rig.trail.outcomes[-1] == Outcome(
        intent=1,
        result="not_sent",
        note="Unknown order sent. the key's own orders, one by one; each has a record of its own",
    )


async def test_cancel_all_without_a_trail() -> None:
    rig = Rig()
    rig.trail.fault = "disk full"
    reply = await rig.send(rig.rest("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT"))
    assert (reply.rule, *wire_of(reply)) == ("audit", 400, -1008)


async def test_signer_that_breaks_is_concluded() -> None:
    rig = Rig()

    class Broken:
        key_type = "RSA"

        def sign(self, payload: bytes) -> str:
            raise ArithmeticError

    rig.signers.signers["cred-one"] = Broken()  # type: ignore[assignment]
    with pytest.raises(ArithmeticError):
        await rig.send(rig.order())
    assert [row.result for row in rig.trail.outcomes] == ["not_sent"]
    assert not rig.ledger.open_orders()


@pytest.mark.parametrize("found", [Sealed(), NotFound("cred-one")])
async def test_signer_that_is_gone_though_its_record_is_there(found: Any) -> None:
    rig = Rig()
    rig.signers.signer_for = lambda _credential_id: found  # type: ignore[method-assign]
    rule = "sealed" if isinstance(found, Sealed) else "vault"
    assert_nothing_happened(rig, await rig.send(rig.order()), rule)


async def test_vault_sealed_while_a_signature_is_checked() -> None:
    rig = Rig()

    class Lent:
        key_type = "HMAC"

        def verify(self, payload: bytes, signature: str) -> bool:
            raise SealedError

    found = rig.keys.credentials[API_KEY]
    rig.keys.credentials[API_KEY] = msgspec.structs.replace(found, verifier=Lent())  # type: ignore[arg-type]
    assert wire_of(await rig.send(rig.order())) == (400, -1008)
    assert not rig.trail.rows


async def test_answer_nobody_can_narrow_is_not_shown() -> None:
    rig = Rig()

    def narrow(*_args: object) -> WireError:
        return UNKNOWN_ORDER

    rig.desk.narrow = narrow  # type: ignore[method-assign, assignment]
    reply = await rig.send(rig.rest("GET", "/api/v3/openOrders"))
    assert reply.rule == "own_orders"
    assert [row.result for row in rig.trail.outcomes] == ["answered"]
    assert rig.trail.refusals[0].rule == "own_orders"


async def test_question_of_our_own_beyond_the_budget_or_not_listed() -> None:
    rig = Rig()
    read = await rig.pipeline.ask(rig.active, "GET /sapi/v1/a", "GET", "/sapi/v1/a", {}, rig.link)
    assert isinstance(read, Answer)
    assert not rig.link.sent[0].changes
    rig.link.answers.append(Answer(status=418, body=b"{}", headers=((b"retry-after", b"9"),)))
    await rig.pipeline.ask(rig.active, "order.status", "GET", "/api/v3/order", {}, rig.link)
    held = await rig.pipeline.ask(rig.active, "order.status", "GET", "/api/v3/order", {}, rig.link)
    assert isinstance(held, Refused)
    assert len(rig.link.sent) == len(rig.trail.intents) == 2
