"""Tests, from their beginning to their report."""
