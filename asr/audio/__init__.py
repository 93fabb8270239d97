"""Sound as numbers: reading, writing, resampling and perturbing waveforms."""
