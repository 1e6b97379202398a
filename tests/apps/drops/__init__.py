"""Tests of drops."""
