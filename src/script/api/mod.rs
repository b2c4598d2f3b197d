//! One file per script module, thin: converts arguments and calls below.
