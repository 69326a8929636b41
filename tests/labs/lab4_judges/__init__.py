"""What the checks of lab 4 judge with."""
