//! Room on the nodes: effective pod requests, what is free by node, what a set of objects needs, and whether each new
//! pod has a node.
//!
//! A sum over the cluster is not an answer: "fits" means that every pod was given a node, by the rules that the
//! scheduler goes by.

mod bind;
mod claims;
mod counts;
mod demand;
mod eligible;
mod limits;
mod load;
mod node;
mod orders;
mod placement;
mod quota;
mod refusal;
mod requests;
mod room;
mod runtime;
mod score;
mod selector;
mod shared;
mod stream;
mod table;
mod term;
mod usage;
mod wanted;
mod wire;

pub use bind::{Bound, Preemption, Unschedulable, bind};
pub use claims::StorageClaim;
pub use demand::{Demand, PodKind, PodNeed, demand};
pub use node::Node;
pub use placement::{Assigned, Placement, Unplaced, place};
pub use quota::{QuotaBreach, check_quotas, namespace_limits};
pub use requests::{Requests, effective};
pub use room::{BoundPod, Room, room, room_for};
pub use shared::SharedRoom;
pub use usage::{NodeUsage, Usage, usage};
