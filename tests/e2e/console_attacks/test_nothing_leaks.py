"""Canaries through a whole life of people: what a console writes, logs, mails and answers holds no secret of theirs."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from tests.support.attacked_console import AttackedConsole, attacked_console
from tests.support.canary import Canary, in_files, in_process, in_process_list, seen_in
from tests.support.console_process import PASSWORD, Answered
from tests.support.mail_sink import MailSink, mail_sink

pytestmark = pytest.mark.usefixtures("real_starts")

NEW_PASSWORD = "canary Zq81 horse battery staple Vx7"
TYPED_AS_NAME = "canary-typed-as-a-name-Kw93Lm20"
WRONG_PASSWORD = "canary-wrong-password-Yt55Rd18"
CREDENTIAL = "CANARY" + "u7Yh2Kd9" * 7 + "Zz"
PASSPHRASE = "canary-passphrase-of-the-vault-Uu41"
WAIT_S = 10.0


class Life:
    """What happened to a console, and everything secret in it.

    Attributes:
        canaries: By what they are.
        answers: All that was answered, but where a secret is shown once.
    """

    def __init__(self, made: AttackedConsole, sink: MailSink) -> None:
        self.made, self.sink = made, sink
        self.canaries: list[Canary] = []
        self.answers: list[Answered] = []
        self._live()

    def keep(self, name: str, secret: str | bytes) -> None:
        self.canaries.append(Canary(name, secret if isinstance(secret, bytes) else secret.encode()))

    def call(self, method: str, path: str, token: str, body: Any = None) -> Answered:
        answer = self.made.console.call(method, path, token, body)
        self.answers.append(answer)
        return answer

    def _live(self) -> None:
        made, tom = self.made, self.made.people["tom"]
        console, ends_us = made.console, int(time.time() * 1_000_000) + 3_600_000_000
        for token in made.enrolments:
            self.keep("enrolment token", token)
        for name, member in made.people.items():
            self.keep(f"seed of {name}", pyotp.TOTP(member.seed).byte_secret())
            self.keep(f"seed of {name} as text", member.seed)
        self.keep("session before the step-up", tom.token)
        tom.step_up()
        self.keep("session", tom.token)
        self.keep("password", PASSWORD)
        change = {"present": PASSWORD, "password": NEW_PASSWORD}
        assert self.call("PUT", "/self/password", tom.token, change).status == 204
        self.keep("new password", NEW_PASSWORD)
        for code in tom.call("POST", "/self/recovery-codes").json["codes"]:
            self.keep("recovery code", code)
        draft = {"label": "ci", "scopes": ["self.read"], "expires_us": ends_us}
        token = tom.call("POST", "/self/tokens", draft).json["token"]
        self.keep("API token", token)
        self.call("GET", "/self", token)
        self._mistakes()
        for path in ("/self", "/self/factors", "/self/sessions", "/self/tokens", "/self/history"):
            self.call("GET", path, tom.token)
        owner = made.owner.token
        for path in ("/people", f"/people/{made.ids['tom']}", "/audit?limit=200", f"/people/{made.ids['tom']}/tokens",
                     f"/people/{made.ids['tom']}/sessions", f"/people/{made.ids['tom']}/history"):  # fmt: skip
            assert self.call("GET", path, owner).status == 200
        console.call("GET", "/about")

    def _mistakes(self) -> None:
        """Secrets where they do not belong, and wrong ones."""
        tom, owner = self.made.people["tom"].token, self.made.owner.token
        self.keep("typed as a name", TYPED_AS_NAME)
        self.keep("wrong password", WRONG_PASSWORD)
        self.keep("secret of a credential", CREDENTIAL)
        self.keep("passphrase", PASSPHRASE)
        for body in (
            {"login": TYPED_AS_NAME, "password": "x"},
            {"login": "tina", "password": WRONG_PASSWORD},
            {"login": "tina", "password": WRONG_PASSWORD, "again": WRONG_PASSWORD},
            {"login": ["tina"], "password": {"text": WRONG_PASSWORD}},
        ):
            assert self.call("POST", "/sign-in", "", body).status in {401, 422}
        weak = {"present": NEW_PASSWORD, "password": "password"}
        assert self.call("PUT", "/self/password", tom, weak).status == 422
        real = {"label": "main", "upstream": "local", "api_key": "A" * 64, "secret": CREDENTIAL}
        self.call("POST", "/credentials", owner, real)
        self.call("POST", "/credentials", owner, {**real, "upstream": CREDENTIAL})
        self.call("POST", "/vault/unseal", owner, {"passphrase": PASSPHRASE})
        self.call("POST", "/vault/unseal", owner, {"passphrase": [PASSPHRASE]})
        self.call("GET", f"/self?token={CREDENTIAL}", owner)
        self.call("GET", f"/people?query={CREDENTIAL[:64]}", owner)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("leaks")
    with mail_sink() as sink:
        environment = {
            "WATCHWORD_CONSOLE_MAIL_HOST": "127.0.0.1", "WATCHWORD_CONSOLE_MAIL_PORT": str(sink.port),
            "WATCHWORD_CONSOLE_MAIL_SECURITY": "none", "WATCHWORD_CONSOLE_MAIL_SENDER": "watchword@example.org",
        }  # fmt: skip
        with attacked_console(folder, names=("tom", "tina"), environment=environment) as made:
            yield Life(made, sink)


def test_nothing_secret_stands_in_any_file_log_or_list_of_processes(life: Life, tmp_path: Path) -> None:
    console = life.made.console
    found = in_files(life.canaries, console.home.parent)
    assert found == []
    assert in_process(life.canaries, console.pid, memory=False) == []
    assert in_process_list(life.canaries) == []
    # The search would have found each of them.
    for number, canary in enumerate(life.canaries):
        (tmp_path / str(number)).write_bytes(b"before " + canary.secret + b" after")
    assert len({one.where for one in in_files(life.canaries, tmp_path)}) == len(life.canaries)


def test_nothing_secret_stands_in_an_answer_but_where_it_is_shown_once(life: Life) -> None:
    for answer in life.answers:
        whole = answer.body + repr(answer.headers).encode()
        assert list(seen_in(life.canaries, whole, answer.body[:80].decode(errors="replace"))) == []


def test_security_mails_hold_nothing_that_opens_anything(life: Life) -> None:
    deadline = time.monotonic() + WAIT_S
    while len(life.sink.mails) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    subjects = {str(mail["subject"]) for mail in life.sink.mails}
    assert {"Second factor added", "Password changed"} <= subjects
    for mail in life.sink.mails:
        assert list(seen_in(life.canaries, mail.as_bytes(), str(mail["subject"]))) == []
        assert "http" not in mail.get_content()


def test_device_that_calls_itself_a_header_makes_none_in_a_mail(life: Life) -> None:
    made, poison = life.made, "evil\tBcc: x@evil.example " + "A" * 400
    wrong = {"login": "tom", "password": WRONG_PASSWORD}
    for _ in range(6):
        made.console.call("POST", "/sign-in", "", wrong, {"user-agent": poison})
    deadline = time.monotonic() + WAIT_S
    locked: list[Any] = []
    while not locked and time.monotonic() < deadline:
        locked = [mail for mail in life.sink.mails if mail["subject"] == "Sign-in locked for a while"]
        time.sleep(0.05)
    assert (locked[0]["to"], locked[0]["bcc"], locked[0]["cc"]) == ("tom@example.org", None, None)
    assert all(
        envelope.rcpt_tos in (["tom@example.org"], ["olga@example.org"], ["tina@example.org"])
        for envelope in life.sink.envelopes
    )
