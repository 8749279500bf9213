"""What tests of plainsail and of its drivers are made of: a simulated world, shipped because driver authors need it."""
