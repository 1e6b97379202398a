"""Tests of core.blobs."""
