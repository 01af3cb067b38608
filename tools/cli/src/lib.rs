//! The frame of every tool: arguments, answers as text and JSON, exit codes, progress
