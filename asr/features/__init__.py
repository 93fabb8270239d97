"""Waveforms to frames, as modules on the model's device."""
