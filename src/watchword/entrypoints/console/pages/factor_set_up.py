"""Setting up second factors: at the first run and later on the Security page. Keeps no seed and no code beyond its answer.

The seed of an app goes to the browser and comes back in a hidden field until its first code was right: it is nowhere else
to be shown from. It is judged by the core; what comes back only draws the same picture again.
"""

from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec
import segno
from markupsafe import Markup

from watchword.entrypoints.console.pages.factor_form import browser_answer
from watchword.entrypoints.console.pages.page import Answer, Bytes, View
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import field_errors
from watchword.entrypoints.console.problem import INVALID, REFUSED, TOO_MANY, Problem

URI_PREFIX: Final = "otpauth://totp/"
URI_LENGTH_MAX: Final = 512
APP_LABEL: Final = "Authenticator app"
KEY_LABEL: Final = "Security key"
MODULE_PIXELS: Final = 4
QUIET_MODULES: Final = 2
SECRET_GROUP_LENGTH: Final = 4
_AGAIN: Final = frozenset({REFUSED, INVALID, TOO_MANY})


def picture_of(uri: str) -> Markup:
    """Draw a QR code as SVG: only paths the library made, no style and no text.

    Args:
        uri: What an app scans.
    """
    code = segno.make(uri, error="m", micro=False)
    drawn = code.svg_inline(
        scale=MODULE_PIXELS,
        border=QUIET_MODULES,
        dark="#000",
        light="#fff",
        omitsize=True,
        svgclass=None,
        lineclass=None,
    )
    return Markup(drawn)  # noqa: S704 - of numbers only; what was encoded is not in it


async def start_app(visit: Visit, confirm_path: str) -> Answer:
    """Begin to set up an app: show the picture to scan.

    Args:
        visit: With a field `label`, or none.
        confirm_path: The page that takes the first code.
    """
    label = visit.form.text("label") or APP_LABEL
    started = await visit.call("startApp", body={"label": label})
    if isinstance(started, Problem):
        return started
    return _scan_view(started.id, started.uri, confirm_path)


async def confirm_app(visit: Visit, confirm_path: str) -> Any:
    """Take the first code of an app.

    Returns:
        The route's `FactorAdded`, or an `Answer`: the form again, or a problem.
    """
    factor, uri = visit.form.text("factor"), visit.form.text("uri")
    code = visit.form.text("code").replace(" ", "")
    added = await visit.call("confirmApp", path={"factor": factor}, body={"code": code or "-"})
    if not isinstance(added, Problem) or added.kind not in _AGAIN:
        return added
    known = uri.startswith(URI_PREFIX) and len(uri) <= URI_LENGTH_MAX
    return _scan_view(factor, uri, confirm_path, added) if known else added


async def key_options(visit: Visit) -> Answer:
    """Give the script what `navigator.credentials.create` is called with."""
    found = await visit.call("startKey")
    if isinstance(found, Problem):
        body = {"detail": found.detail or found.kind.title, "code": found.kind.code}
        return Bytes(msgspec.json.encode(body), "application/json", status=found.kind.status)
    return Bytes(msgspec.json.encode(found.options), "application/json")


async def add_key(visit: Visit) -> Any:
    """Take a security key.

    Returns:
        The route's `FactorAdded`, or a `Problem`.
    """
    label = visit.form.text("label") or KEY_LABEL
    return await visit.call("addKey", body={"label": label, "answer": browser_answer(visit.form)})


def _scan_view(factor: str, uri: str, confirm_path: str, problem: Problem | None = None) -> View:
    secret = parse_qs(urlsplit(uri).query).get("secret", [""])[0]
    groups = [secret[at : at + SECRET_GROUP_LENGTH] for at in range(0, len(secret), SECRET_GROUP_LENGTH)]
    context = {
        "factor": factor,
        "uri": uri,
        "picture": picture_of(uri),
        "secret": " ".join(groups),
        "action": confirm_path,
        "problem": problem,
        "errors": field_errors(problem),
    }
    return View("scan_app.html", context, problem.kind.status if problem is not None else 200)
