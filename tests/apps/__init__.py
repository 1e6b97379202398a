"""Tests of the apps, each in a folder like its own."""
