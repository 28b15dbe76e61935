"""A study's fits side by side and one after another."""
