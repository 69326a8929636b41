"""What the checks of lab 6 judge with."""
