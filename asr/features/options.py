"""What can be chosen about the features. Lengths are samples, frequencies Hz."""

from typing import Literal

from pydantic import Field, model_validator

from asr.options import Options


class FeatureOptions(Options):
    """From waveform to features: sampling rate, frames, the kind of spectrum and how it is normalised."""

    kind: Literal["logmel", "spectrogram", "mfcc"] = "logmel"
    sample_rate: int = Field(16000, ge=1000)  # Hz
    win_length: int = Field(400, ge=2)  # samples
    hop_length: int = Field(160, ge=1)  # samples
    n_fft: int = Field(512, ge=2)  # samples; frames are padded with zeros to it
    n_mels: int = Field(80, ge=1)
    n_mfcc: int = Field(40, ge=1)
    f_min: float = Field(0.0, ge=0)  # Hz
    f_max: float | None = Field(None, gt=0)  # Hz; half the sampling rate when not given
    preemphasis: float = Field(0.0, ge=0, lt=1)
    normalize: Literal["utterance", "global", "none"] = "utterance"

    @model_validator(mode="after")
    def _agree(self) -> "FeatureOptions":
        if self.n_fft < self.win_length:
            raise ValueError(f"n_fft is {self.n_fft}; expected >= win_length ({self.win_length}); raise n_fft")
        if self.kind == "mfcc" and self.n_mfcc > self.n_mels:
            raise ValueError(f"n_mfcc is {self.n_mfcc}; expected <= n_mels ({self.n_mels}); lower n_mfcc")
        if not self.f_min < self.highest <= self.sample_rate / 2:
            raise ValueError(
                f"f_max is {self.highest:g} Hz; expected between f_min ({self.f_min:g} Hz) and half the "
                f"sample_rate ({self.sample_rate / 2:g} Hz); mend f_min or f_max"
            )
        return self

    @property
    def highest(self) -> float:
        """The upper edge of the mel filters [Hz]."""
        return self.sample_rate / 2 if self.f_max is None else self.f_max
