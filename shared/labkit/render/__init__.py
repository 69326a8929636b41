"""Renderers: the same records as terminal text, HTML, JUnit XML, GitHub annotations and step summary."""
