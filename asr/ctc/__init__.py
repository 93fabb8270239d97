"""The mathematics of Connectionist Temporal Classification. The blank is defined here: id 0."""
