"""The tune verb: how a trained model decodes best, found on a manifest."""
