"""The data doctor: what a check found as a page, and what a trained model thinks of the transcripts."""
