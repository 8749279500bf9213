"""What the engine and the use cases ask of the outside world: Protocols, Capabilities, and the error tree."""
