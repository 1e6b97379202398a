"""Tests of core.push."""
