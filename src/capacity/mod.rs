//! Effective pod requests, free room by node, and whether each new pod has a node.
