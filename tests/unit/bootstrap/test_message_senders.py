"""Which ways there are to send people a text, from the settings."""

from pathlib import Path
from typing import Any

import pytest

from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.bootstrap.message_senders import senders_of
from watchword.config import ConsoleSettings
from watchword.kernel.errors import ConfigurationError


def _channels(tmp_path: Path, **given: Any) -> frozenset[str]:
    settings = ConsoleSettings(home=tmp_path, **given)
    return frozenset(senders_of(settings, SystemClock(), SystemEntropy()).channels())


def test_nothing_is_set_up_unless_told(tmp_path: Path) -> None:
    assert _channels(tmp_path) == frozenset()


def test_each_channel_is_set_up_by_its_own_settings(tmp_path: Path) -> None:
    mail = {"mail_host": "mail.example.org", "mail_sender": "watchword@example.org"}
    sms = {"sms_url": "https://sms.example.org/send"}
    assert _channels(tmp_path, **mail) == {"mail"}
    assert _channels(tmp_path, **sms) == {"sms"}
    assert _channels(tmp_path, **mail, **sms) == {"mail", "sms"}


def test_user_without_a_password_in_the_environment_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WATCHWORD_MAIL_PASSWORD", raising=False)
    mail = {"mail_host": "mail.example.org", "mail_sender": "watchword@example.org", "mail_user": "watchword"}
    with pytest.raises(ConfigurationError):
        _channels(tmp_path, **mail)
    monkeypatch.setenv("WATCHWORD_MAIL_PASSWORD", "letmein")
    assert _channels(tmp_path, **mail) == {"mail"}


def test_headers_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("Authorization: Bearer x\n")
    file.chmod(0o644)
    sms = {"sms_url": "https://sms.example.org/send", "sms_headers_file": file}
    with pytest.raises(ConfigurationError, match="read by others"):
        _channels(tmp_path, **sms)
    file.chmod(0o600)
    assert _channels(tmp_path, **sms) == {"sms"}
