"""Tests of pads."""
