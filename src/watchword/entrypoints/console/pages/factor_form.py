"""The part of a form in which a second factor is shown, as the API takes it. Judges no factor."""

from typing import Any, Final

import msgspec

from watchword.entrypoints.console.pages.visit import Form

KIND: Final = "w_kind"
CODE: Final = "w_code"
ANSWER: Final = "w_answer"
ADDRESS: Final = "w_address"
ANSWER_LENGTH_MAX: Final = 16_384


def attempt_of(form: Form) -> dict[str, Any]:
    """Read what was shown.

    Returns:
        The body of `showFactor` and `stepUp`. What is nothing of ours becomes a code that is refused as any wrong one.
    """
    kind, code = form.text(KIND), form.text(CODE).replace(" ", "")
    if kind == "webauthn":
        return {"attempt": {"type": "webauthn", "answer": browser_answer(form)}}
    if kind == "recovery":
        return {"attempt": {"type": "recovery", "code": form.text(CODE) or "-"}}
    if kind == "message":
        return {"attempt": {"type": "message", "factor_id": form.text(ADDRESS) or "-", "code": code or "-"}}
    return {"attempt": {"type": "totp", "code": code or "-"}}


def browser_answer(form: Form) -> dict[str, Any]:
    """Read what `navigator.credentials` answered; empty where it is no JSON object."""
    text = form.exact(ANSWER)
    if len(text) > ANSWER_LENGTH_MAX:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return {}
