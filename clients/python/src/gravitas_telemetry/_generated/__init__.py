"""Generated from the contract in proto/."""
