"""Concepts: which class names of several teams mean the same, and which may."""

from datacat.concepts.concepts import Concepts

__all__ = ["Concepts"]
