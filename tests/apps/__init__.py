"""Tests of the apps, a folder each."""
