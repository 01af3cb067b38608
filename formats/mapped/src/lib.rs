//! Read-only maps of files that survive a truncation under them (the only unsafe)
