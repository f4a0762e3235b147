"""Warehouse-native experimentation: metric SQL in, decisions out."""

__version__ = "0.1.0"
