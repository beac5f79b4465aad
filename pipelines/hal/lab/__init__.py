"""What reports, learns and measures offline; nothing that serves a turn imports it."""
