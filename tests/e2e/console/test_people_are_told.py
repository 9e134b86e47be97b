"""A key that will be deleted is announced by mail, from real processes and with a moved clock."""

import time
from pathlib import Path

from tests.support.console_process import ROOMY, ConsoleProcess, Member, run
from tests.support.mail_sink import mail_sink
from tests.support.testnet_process import TestnetProcess

MAIL_WAIT_S = 30.0
SUBJECT = "About one of your API keys"


def test_owner_of_an_account_is_mailed_before_an_idle_key_is_deleted(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with mail_sink() as sink:
        environment = {
            "WATCHWORD_CONSOLE_MAIL_HOST": "127.0.0.1", "WATCHWORD_CONSOLE_MAIL_PORT": str(sink.port),
            "WATCHWORD_CONSOLE_MAIL_SECURITY": "none", "WATCHWORD_CONSOLE_MAIL_SENDER": "watchword@example.org",
        }  # fmt: skip
        token = run(home, "console", "init", "--name", "olga", "--mail", "olga@example.org")["enrolment"]
        testnet = TestnetProcess.start(home, liquidity=False)
        console = ConsoleProcess.start(home, *ROOMY, environment=environment)
        try:
            olga = Member(console, "olga").enrol(token)
            account = olga.call("POST", "/accounts", {"name": "desk"}).json["account_id"]
            owner = {"person": olga.call("GET", "/self").json["id"]}
            assert olga.call("PUT", f"/accounts/{account}/owner", owner).status == 200
            draft = {"account": account, "key_type": "HMAC", "label": "idle one"}
            assert olga.call("POST", "/keys", draft).status == 201
            assert SUBJECT not in [mail["subject"] for mail in sink.mails]
            testnet.admin("clock.move", by="24d")
            deadline = time.monotonic() + MAIL_WAIT_S
            while SUBJECT not in [mail["subject"] for mail in sink.mails] and time.monotonic() < deadline:
                time.sleep(0.1)
            (mail,) = [mail for mail in sink.mails if mail["subject"] == SUBJECT]
            assert mail["to"] == "olga@example.org"
            said = mail.get_content()
            assert "idle one" in said
            assert "within 7 days" in said
        finally:
            console.stop()
            testnet.stop()
