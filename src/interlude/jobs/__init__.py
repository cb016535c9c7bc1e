"""What surrounds a training as a process: arguments, record, failure, machine, sharing."""
