"""From a declared origin to its content: mirrors, archives, the hub, files of the user."""
