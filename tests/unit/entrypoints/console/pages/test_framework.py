"""What pages are made of: cookies, forms, the table, calls, wording, files. Each accepted case has a refused twin."""

from pathlib import Path

import pytest
from tests.support.console_pages import PagesConsole

from watchword.entrypoints.console.pages import wording
from watchword.entrypoints.console.pages.assets import Assets
from watchword.entrypoints.console.pages.cookies import COOKIE_LENGTH_MAX, SESSION, Jar
from watchword.entrypoints.console.pages.factor_form import ANSWER_LENGTH_MAX, attempt_of
from watchword.entrypoints.console.pages.finding import PageTable
from watchword.entrypoints.console.pages.page import Nav, Page, showing
from watchword.entrypoints.console.pages.table import PAGES
from watchword.entrypoints.console.pages.toasts import TEXTS, text_of
from watchword.entrypoints.console.pages.visit import FORM_MEDIA, Form, read_form
from watchword.entrypoints.console.problem import INVALID, REFUSED, Problem

TABLE = PageTable(PAGES)
NOW_US = 1_800_000_000_000_000


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("watchword_session=abc", "abc"),
        ("a=b; watchword_session=abc ; c=d", "abc"),
        ("watchword_session=abc; watchword_session=abc", ""),
        ("__Host-watchword_session=abc", ""),
        ("Watchword_session=abc", ""),
        (f"watchword_session={'x' * (COOKIE_LENGTH_MAX + 1)}", ""),
        ("watchword_session=a\x00b", ""),
        ("; ".join(f"c{number}=1" for number in range(70)) + "; watchword_session=abc", ""),
    ],
)
def test_cookie_is_read_strictly(header: str, found: str) -> None:
    assert Jar([header], tls=False).get(SESSION) == found


def test_cookie_under_tls_has_the_prefix_only() -> None:
    assert Jar(["__Host-watchword_session=abc"], tls=True).get(SESSION) == "abc"
    assert Jar(["watchword_session=abc"], tls=True).get(SESSION) == ""


@pytest.mark.parametrize(
    ("content", "pairs"),
    [
        (b"a=1&a=2&b=", (("a", "1"), ("a", "2"), ("b", ""))),
        (b"a=x%0D%0Ay", (("a", "x\ny"),)),
        (b"a=%ff", None),
        (b"\xff=1", None),
        (b"&".join(b"a=1" for _ in range(401)), None),
    ],
)
def test_form_is_read_strictly(content: bytes, pairs: tuple[tuple[str, str], ...] | None) -> None:
    form = read_form(FORM_MEDIA, content)
    assert (form.pairs if isinstance(form, Form) else None) == pairs


def test_form_hides_what_was_typed_from_its_repr() -> None:
    form = Form((("password", "s3cret"), ("again", "s3cret")))
    assert "s3cret" not in repr(form)
    assert form.alike("password", "again")
    assert not form.alike("password", "other")


@pytest.mark.parametrize(
    ("path", "local"),
    [
        ("/keys", "/keys"),
        (f"/keys/{'A' * 64}/delete", f"/keys/{'A' * 64}/delete"),
        ("/keys/", "/"),
        ("/keys\n", "/"),
        ("/keys/a/b/delete", "/"),
        ("/keys/..", "/"),
        ("/sign-out", "/"),
        ("/" + "k" * 600, "/"),
    ],
)
def test_local_path_is_that_of_a_page_that_can_be_looked_at(path: str, local: str) -> None:
    assert TABLE.local(path) == local


def test_every_page_has_a_way_in_and_its_own_path() -> None:
    assert len({page.path for page in PAGES}) == len(PAGES)
    assert all(page.get is not None or page.post is not None for page in PAGES)
    # Whoever is not signed in sees what is needed to sign in, and nothing else.
    open_pages = {page.path for page in PAGES if page.stages is None}
    assert open_pages == {"/sign-in", "/set-up", "/theme"}


def test_sidebar_holds_what_the_role_has() -> None:
    table = PageTable((
        Page(path="/a", get=showing("a.html"), action="key.read", nav=Nav("Keys", "A", "key", 2)),
        Page(path="/b", get=showing("b.html"), action="key.write", nav=Nav("Keys", "B", "key", 1)),
        Page(path="/c", get=showing("c.html")),
    ))  # fmt: skip
    ((section, links),) = table.links("owner", "/a/x")
    assert (section, [(one.label, one.current) for one in links]) == ("Keys", [("B", False), ("A", True)])
    ((_, links),) = table.links("auditor", "/abc")
    assert [(one.label, one.current) for one in links] == [("A", False)]


async def test_call_with_a_path_value_of_no_route_is_not_found(tmp_path: Path) -> None:
    olga = PagesConsole(tmp_path).signed_in()
    held = await olga.token()
    for session in ("..", "a%2Fb", "a/b", "%00"):
        answer = await olga.send(f"/security/sessions/{session}/end", {"w_csrf": held})
        assert answer.status_code == 404, session


@pytest.mark.parametrize(
    ("fields", "attempt"),
    [
        ({"w_kind": "totp", "w_code": "123 456"}, {"type": "totp", "code": "123456"}),
        ({}, {"type": "totp", "code": "-"}),
        ({"w_kind": "odd", "w_code": "1"}, {"type": "totp", "code": "1"}),
        ({"w_kind": "recovery", "w_code": "a b"}, {"type": "recovery", "code": "a b"}),
        ({"w_kind": "webauthn", "w_answer": '{"id":"x"}'}, {"type": "webauthn", "answer": {"id": "x"}}),
        ({"w_kind": "webauthn", "w_answer": "[1]"}, {"type": "webauthn", "answer": {}}),
        ({"w_kind": "webauthn", "w_answer": "x" * (ANSWER_LENGTH_MAX + 1)}, {"type": "webauthn", "answer": {}}),
        ({"w_kind": "message", "w_address": "f-1", "w_code": "1 2"}, {"type": "message", "factor_id": "f-1", "code": "12"}),
    ],
)  # fmt: skip
def test_factor_is_read_from_a_form(fields: dict[str, str], attempt: dict[str, object]) -> None:
    assert attempt_of(Form(tuple(fields.items()))) == {"attempt": attempt}


@pytest.mark.parametrize(
    ("detail", "errors"),
    [
        ("Expected `str` of length >= 1 - at `$.label`", {"label": "Please fill this in."}),
        ("Expected `str` of length >= 12 - at `$.password`", {"password": "At least 12 characters."}),
        ("Expected `str` of length <= 64 - at `$.ips[...]`", {"ips": "At most 64 characters."}),
        ("Expected `array` of length <= 200 - at `$.ips`", {"ips": "At most 200 entries."}),
        ("Expected `int` >= 1 - at `$.account`", {"account": "This does not fit."}),
        ("at least one address - at `$.ips`", {"ips": "At least one address."}),
        ("Object contains unknown field `x`", {}),
    ],
)
def test_schema_error_is_said_at_its_field(detail: str, errors: dict[str, str]) -> None:
    assert wording.field_errors(Problem(INVALID, detail)) == errors
    assert wording.field_errors(Problem(REFUSED, detail)) == {}


@pytest.mark.parametrize(
    ("ago_s", "words"),
    [(59, "just now"), (60, "1 minute ago"), (7_199, "1 hour ago"), (7_200, "2 hours ago"), (86_400, "1 day ago"),
     (-60, "just now"), (86_400 * 61, "2 months ago")],
)  # fmt: skip
def test_moment_is_said_as_time_passed(ago_s: int, words: str) -> None:
    assert f">{words}</time>" in wording.when(NOW_US - ago_s * 1_000_000, NOW_US)


def test_device_is_named_by_browser_and_system() -> None:
    agent = (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36"
    )
    assert wording.device(agent) == "Chrome on Linux"
    assert wording.device("curl/8") == "curl/8"
    assert wording.device("") == "unknown device"


def test_every_toast_has_its_words_and_nothing_else_does() -> None:
    assert all(text_of(name) == text for name, text in TEXTS.items())
    assert text_of("<b>hello</b>") == ""


def test_file_is_served_under_the_name_of_its_content_only(tmp_path: Path) -> None:
    (tmp_path / "app.js").write_text("1")
    (tmp_path / "app.js.map").write_text("{}")
    before = Assets(tmp_path)
    url = before.url("app.js")
    found = before.find(url)
    assert found is not None
    assert found.media.startswith("text/javascript")
    assert before.find("/static/app.js") is None
    assert before.find("/static/../door.py") is None
    (tmp_path / "app.js").write_text("2")
    assert Assets(tmp_path).url("app.js") != url
