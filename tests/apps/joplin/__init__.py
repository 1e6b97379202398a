"""Tests of the app `joplin`."""
