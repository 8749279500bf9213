"""What browsers and viewers are shown: pages and charts. Thin: what is true comes from `app`."""
