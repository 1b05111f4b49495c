//! From the press over a real pty to the dots of a simulated printer, with everything that goes wrong between.
