"""Corpora, one file each, the same verbs: prepare(out, source, …) writes manifests and audio."""
