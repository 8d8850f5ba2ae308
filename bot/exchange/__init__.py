"""Question sets and answers, to and from the formats of other tools; one file a format."""
