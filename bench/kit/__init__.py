"""What the benches share; nothing here knows what is being measured."""
