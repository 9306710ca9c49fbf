"""The area `access`."""
