"""The design system: templates, static files, formats."""
