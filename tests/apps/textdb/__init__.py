"""Tests of the app textdb."""
