"""What node and hub have in common; imports no sibling package."""
