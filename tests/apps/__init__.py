"""The apps, each in a folder of its name."""
