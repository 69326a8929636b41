"""What the checks of lab 4 compute with."""
