"""An epoch of a text classifier beside Keras's."""
