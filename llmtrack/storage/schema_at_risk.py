"""Workspaces that do not want estimates for failed calls without usage."""

AT_RISK = """
create table at_risk_off (
  workspace_id integer primary key references workspace (id)
) strict, without rowid;
"""
