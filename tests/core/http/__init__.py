"""Tests of core.http."""
