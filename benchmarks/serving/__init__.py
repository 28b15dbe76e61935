"""Requests to a server of exported models, beside a plain one with torch."""
