"""Readers of the formats that documents come in; each is imported when a file needs it."""
