//! Deliverables that scripts declare, the plan made of them, its checks against repository and cluster.
