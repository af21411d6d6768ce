"""The routes of all analytics pages of a workspace."""

from llmtrack.web import cost_changes, event_routes, explore, overview

ROUTES = [
    *overview.ROUTES,
    *explore.ROUTES,
    *cost_changes.ROUTES,
    *event_routes.ROUTES,
]
