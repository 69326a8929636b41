"""What the contract and the features of week 5 cost, by the number of rows."""
