"""The base of every options class: no unknown key, no coercion. Options live beside the class they configure."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """Frozen options that refuse unknown keys and wrong types (an int is a float; nothing else changes type)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True)


PathOption = Annotated[Path, Field(strict=False)]  # a string in YAML
