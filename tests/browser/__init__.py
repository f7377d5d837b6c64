"""Pages in a real browser: Chromium, at the size of a phone and of a desktop, checked for accessibility."""
