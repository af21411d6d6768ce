"""The answers of the ingest routes, word for word CONTRACT's."""

import msgspec
from aiohttp import web

from llmtrack.domain.errors import InvalidEvent
from llmtrack.domain.identifiers import event_uuid
from llmtrack.domain.money import usd_text
from llmtrack.domain.plans import Reason, Refusal
from llmtrack.domain.pricing import CostStatus
from llmtrack.storage.faults import Fault, fault_of
from llmtrack.storage.usage import Outcome

Body = dict[str, object]

MISSING_KEY = "Missing API key"
INVALID_KEY = "Invalid API key"
REVOKED_KEY = "Revoked API key"
INACTIVE_KEY = "Inactive API key"
INVALID_WORKSPACE = "Invalid workspace for API key"

DUPLICATE: Body = {"ok": True, "duplicate": True}
INTERNAL_ERROR: Body = {"error": "Internal server error"}
DISK_FULL: Body = {"error": "Disk full: events are not taken until there is room"}
NOT_STORED: Body = {"error": "Events cannot be stored just now, try again"}
OVERLOADED: Body = {"error": "Service overloaded, try again"}

UNKNOWN_MODEL = "no price is known for this provider and model"
"""Said of an event whose cost has another reason to be unknown, too."""

_NO_COST = {
    CostStatus.UNPRICED: "no price is known for this provider and model: cost is unknown, not 0",
    CostStatus.NO_USAGE: "no token counts were sent: cost is unknown, not 0",
    CostStatus.INSUFFICIENT_USAGE: "the token counts sent do not determine the cost",
    CostStatus.INVALID_USAGE: "the token counts cannot be true: cost is unknown, not 0",
    CostStatus.PARTIAL: "only a part of the usage is known: cost is a lower bound",
}


_PASSING = {Fault.IO, Fault.READ_ONLY, Fault.BUSY}
"""Faults of the file, not of the event: the same may be stored a moment later."""
_PRICED = int(CostStatus.PRICED)


def json_response(body: object, status: int = 200) -> web.Response:
    return json_bytes(msgspec.json.encode(body), status)


def json_bytes(body: bytes, status: int) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def stored(outcome: Outcome, warnings: list[str]) -> Body:
    """The nine properties of a stored event, and our `warnings`."""
    cost_status = CostStatus(outcome.cost_status)
    unknown = cost_status == CostStatus.UNPRICED or UNKNOWN_MODEL in warnings
    if (reason := _NO_COST.get(cost_status)) is not None:
        warnings = [*warnings, reason]
    if outcome.merged:
        warnings = [*warnings, "this response_id was known: completed that event, counted once"]
    return {
        "ok": True,
        "duplicate": outcome.merged,
        "id": event_uuid(outcome.timestamp_ms, outcome.event_id),
        # A JSON number with every digit: a float would print 6.6e-05.
        "cost": msgspec.Raw(usd_text(outcome.cost_pico or 0).encode()),
        "consumption_source": "included",
        "dashboard_visible": True,
        "visibility_reason": None,
        "visibility_context": None,
        "pricing_status": "unknown_model" if unknown else "ok",
        "warnings": warnings,
    }


_PLAIN = (
    b'{"ok":true,"duplicate":false,"id":"%b","cost":%b,"consumption_source":"included",'
    b'"dashboard_visible":true,"visibility_reason":null,"visibility_context":null,'
    b'"pricing_status":"ok","warnings":[]}'
)


def encoded(result: Outcome | BaseException, warnings: list[str]) -> tuple[int, bytes]:
    """`answer` as JSON; an event stored without a remark, as most are, needs no encoder."""
    if (
        not isinstance(result, Outcome)
        or result.cost_status != _PRICED
        or warnings
        or result.merged
        or result.duplicate
        or result.refusal is not None
    ):
        status, body = answer(result, warnings)
        return status, msgspec.json.encode(body)
    public_id = event_uuid(result.timestamp_ms, result.event_id)
    return 200, _PLAIN % (public_id.encode(), usd_text(result.cost_pico or 0).encode())


def invalid(error: InvalidEvent) -> Body:
    return {
        "error": "Invalid payload",
        "code": "INVALID_PAYLOAD",
        "field": error.field,
        "message": str(error),
    }


def refused(refusal: Refusal) -> Body:
    plan = refusal.plan
    if refusal.reason is Reason.INACTIVE:
        return {
            "error": "Paid plan is not active",
            "code": refusal.reason.value,
            "billing_status": plan.billing_status,
            "plan": plan.name,
        }
    if refusal.reason is Reason.FREE_QUOTA:
        limit = plan.monthly_events or 0
        return {
            "error": "Free plan quota exceeded",
            "code": refusal.reason.value,
            "quota": {
                "plan": plan.name,
                "metric": "events",
                "limit": limit,
                "used": refusal.used,
                "remaining": max(limit - refusal.used, 0),
            },
        }
    return {
        "error": "Usage limit reached: included monthly events are exhausted"
        " and no PPE credits remain."
    }


def answer(result: Outcome | BaseException, warnings: list[str]) -> tuple[int, Body]:
    """Status and body for what became of one event."""
    if isinstance(result, BaseException):
        fault = fault_of(result)
        if fault is Fault.DISK_FULL:
            return 507, DISK_FULL
        if fault in _PASSING:
            return 503, NOT_STORED
        return 500, INTERNAL_ERROR
    if result.refusal is not None:
        return 402, refused(result.refusal)
    if result.duplicate:
        return 200, DUPLICATE
    return 200, stored(result, warnings)
