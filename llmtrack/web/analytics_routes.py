"""The routes of all analytics pages of a workspace."""

from llmtrack.web import (
    cost_changes,
    customers,
    event_routes,
    explore,
    one_value,
    overview,
    performance,
    statement,
    what_if,
)

ROUTES = [
    *overview.ROUTES,
    *explore.ROUTES,
    *one_value.ROUTES,
    *cost_changes.ROUTES,
    *event_routes.ROUTES,
    *customers.ROUTES,
    *performance.ROUTES,
    *statement.ROUTES,
    *what_if.ROUTES,
]
