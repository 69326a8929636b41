"""Renderers: the same records as terminal text, HTML, JUnit XML, and GitHub annotations. Results are data; looks are here."""
