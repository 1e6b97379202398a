"""Tests of hosted sites."""
