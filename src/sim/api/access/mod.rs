//! Who asks, and what they may do: tokens, impersonation, roles and bindings, and the reviews that tell about them.
//!
//! Roles and bindings are the objects of the cluster and nothing else; what a fresh cluster brings is in [`bootstrap`].

pub mod attributes;
pub mod bootstrap;
pub mod escalation;
mod go_text;
mod hmac;
mod impersonate;
pub mod objects;
pub mod rbac;
mod review;
mod rule;
mod server;
mod token;
mod token_request;
pub mod user;

pub use attributes::Attributes;
pub use objects::Objects;
pub use rbac::{Decision, aggregated, authorize, decide};
pub use server::{Access, Question};
pub use token::Tokens;
pub use user::User;

#[cfg(test)]
mod tests;
