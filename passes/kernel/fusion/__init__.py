"""What is computed where: inside of its readers, again, or once on its own; and the algebra that makes it cheap."""
