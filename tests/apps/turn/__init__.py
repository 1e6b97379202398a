"""Tests of the app `turn`."""
