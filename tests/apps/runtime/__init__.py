"""Tests of the app runtime."""
