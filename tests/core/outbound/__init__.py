"""Tests of core.outbound."""
