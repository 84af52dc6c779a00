"""What `clampdown doctor` looks at: each look is a function of the settings that returns its findings."""
