"""Standing agreements: concluded with a labelled control, stored with proof, ended at any time."""
