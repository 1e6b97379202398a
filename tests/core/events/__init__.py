"""Tests of core.events."""
