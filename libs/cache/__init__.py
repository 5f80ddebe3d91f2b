"""What is remembered to spare a question, in a memory that nobody can fill."""
