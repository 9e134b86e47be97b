"""What the management API says when it does not do something: problem details with stable codes. Decides nothing.

Source: RFC 9457. `type` is `urn:watchword:problem:<code>`; programs go by it, people read `detail`.
"""

from typing import Final

import msgspec

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:watchword:problem:"


class Kind(msgspec.Struct, frozen=True):
    """One kind of problem.

    Attributes:
        code: Stable for good; the end of `type`.
        status: HTTP status.
        title: The same for every occurrence.
    """

    code: str
    status: int
    title: str


MALFORMED: Final = Kind("malformed", 400, "The request cannot be read")
NOT_SIGNED_IN: Final = Kind("not-signed-in", 401, "Sign in first")
SIGN_IN_REFUSED: Final = Kind("sign-in-refused", 401, "Sign-in was refused")
FACTOR_REFUSED: Final = Kind("factor-refused", 403, "The second factor was refused")
FACTOR_MISSING: Final = Kind("second-factor-missing", 403, "Show a second factor first")
STALE_FACTOR: Final = Kind("stale-factor", 403, "Show a second factor again")
FORBIDDEN: Final = Kind("forbidden", 403, "Not allowed for this role")
OUTSIDE_SCOPE: Final = Kind("outside-scope", 403, "Not within this token's scopes")
TOKEN_REFUSED: Final = Kind("token-not-accepted", 403, "Only a signed-in person may do this")
FOREIGN_PAGE: Final = Kind("foreign-page", 403, "Pages of other origins are not served")
NO_ROUTE: Final = Kind("no-such-route", 404, "There is no such route")
NOT_FOUND: Final = Kind("not-found", 404, "There is no such thing, or not for you")
WRONG_METHOD: Final = Kind("method-not-allowed", 405, "This route has no such method")
CONFLICT: Final = Kind("conflict", 409, "This does not fit the present state")
TOO_LARGE: Final = Kind("too-large", 413, "The body is too large")
NOT_JSON: Final = Kind("not-json", 415, "Send application/json")
WRONG_HOST: Final = Kind("wrong-host", 421, "This server does not go by that name")
INVALID: Final = Kind("invalid", 422, "The request does not fit the route's schema")
REFUSED: Final = Kind("refused", 422, "Refused by a rule")
TOO_MANY: Final = Kind("too-many", 429, "Too many requests")
FAULT: Final = Kind("fault", 500, "Something broke")
NO_RECORD: Final = Kind("no-record", 503, "The audit trail cannot record this, so it was not done")
UNAVAILABLE: Final = Kind("unavailable", 503, "A part that is needed is not available")

#: Every kind, for the document and its test.
KINDS: Final = (
    MALFORMED, NOT_SIGNED_IN, SIGN_IN_REFUSED, FACTOR_REFUSED, FACTOR_MISSING, STALE_FACTOR, FORBIDDEN, OUTSIDE_SCOPE,
    TOKEN_REFUSED, FOREIGN_PAGE, NO_ROUTE, NOT_FOUND, WRONG_METHOD, CONFLICT, TOO_LARGE, NOT_JSON, WRONG_HOST, INVALID,
    REFUSED, TOO_MANY, FAULT, NO_RECORD, UNAVAILABLE,
)  # fmt: skip


class Problem(msgspec.Struct, frozen=True):
    """One refusal, as a handler or the dispatch returns it.

    Attributes:
        kind: Which.
        detail: For people, about this occurrence; never what a client sent, never a secret.
        retry_after_s: When to try again; 0 says nothing.
    """

    kind: Kind
    detail: str = ""
    retry_after_s: int = 0


class ProblemAnswer(msgspec.Struct, frozen=True, rename={"kind": "type"}):
    """A problem as it is sent, `application/problem+json` (RFC 9457).

    Attributes:
        kind: `type`, a stable URN.
        title: The same for every problem of its type.
        status: As in the HTTP answer.
        detail: About this occurrence.
        request: The request's id, as in the header X-Request-Id and in the audit trail.
    """

    kind: str
    title: str
    status: int
    detail: str
    request: str


def answer_of(problem: Problem, request_id: str) -> ProblemAnswer:
    """Write a problem as it is sent.

    Args:
        problem: As returned.
        request_id: Of the request.
    """
    kind = problem.kind
    detail = problem.detail or kind.title
    return ProblemAnswer(TYPE_PREFIX + kind.code, kind.title, kind.status, detail, request_id)
