"""The routes of all analytics pages of a workspace."""

from llmtrack.web import (
    breakdown_export,
    change_export,
    cost_changes,
    customer_export,
    customers,
    event_routes,
    explore,
    one_value,
    overview,
    performance,
    performance_export,
    statement,
    statement_export,
    what_if,
    what_if_export,
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
    *breakdown_export.ROUTES,
    *change_export.ROUTES,
    *customer_export.ROUTES,
    *performance_export.ROUTES,
    *statement_export.ROUTES,
    *what_if_export.ROUTES,
]
