"""Tests of core.visits."""
