"""Tests of core.db."""
