"""Tests of core.shares."""
