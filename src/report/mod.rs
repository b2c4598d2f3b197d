//! One model of what a command found, and its renderers.
