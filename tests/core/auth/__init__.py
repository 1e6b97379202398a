"""Tests of people, credentials and the brake on guessing."""
