"""What every room with compiled code shares: compiling once a machine."""
