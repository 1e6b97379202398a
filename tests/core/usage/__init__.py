"""Tests of core.usage."""
