"""What is known: one Delta log, several logical tables."""

from datacat.tables.state import DataFile, LogEntry, State
from datacat.tables.tables import Tables
from datacat.tables.upkeep import CompactReport, GcReport

__all__ = ["CompactReport", "DataFile", "GcReport", "LogEntry", "State", "Tables"]
