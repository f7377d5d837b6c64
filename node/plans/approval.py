"""What the deputy approved is what stands: whatever changes a plan takes its approval and its handing in back."""

from __future__ import annotations

from sqlite_utils import Database

from sync.writer import Writer


def is_settled(db: Database, plan: int) -> bool:
    """Is the plan handed in or approved?"""
    sql = "SELECT 1 FROM plan WHERE id = ? AND retired_at IS NULL AND ifnull(approved_at, submitted_at) IS NOT NULL"
    return db.execute(sql, (plan,)).fetchone() is not None


def take_back(w: Writer, plan: int) -> None:
    """A plan that was changed is to be handed in and approved anew."""
    if is_settled(w.db, plan):
        w.update("plan", plan, approved_at=None, approved_by=None, submitted_at=None)
