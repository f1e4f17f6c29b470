"""What is known: one Delta log, several logical tables."""

from datacat.tables.state import DataFile, LogEntry, State
from datacat.tables.tables import Tables

__all__ = ["DataFile", "LogEntry", "State", "Tables"]
