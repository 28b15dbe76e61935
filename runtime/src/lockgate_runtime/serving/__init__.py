"""Serves exported models over HTTP: `lockgate-serve FOLDER...`."""
