"""What the checks of lab 3 judge with, one module per subject."""
