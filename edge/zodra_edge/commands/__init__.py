"""The groups of commands under `zodra-edge`. Light to import: each brings what it needs itself."""
