"""What the checks of lab 5 judge with."""
