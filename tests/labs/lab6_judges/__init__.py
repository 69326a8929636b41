"""Samples, services and judgements for the checks of lab 6."""
