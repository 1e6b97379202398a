"""Tests of epochs."""
