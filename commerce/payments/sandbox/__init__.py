"""The pretended payment firm: a process of its own with a page to pay on and signed webhooks."""
