<<<<<<< HEAD
"""Tests of the apps, each in a folder like its own."""
=======
"""Tests of the apps, a folder each."""
>>>>>>> ui
