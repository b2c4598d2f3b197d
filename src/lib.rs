//! `dpb` takes a cluster from nothing to a working lakehouse, one verified objective at a time.
//!
//! Layers, arrows only downward: `commands` → `sim` → `run` → `script::api` → `script` → `report`, `ui` → `probe` →
//! `gitops`, `flux`, `capacity` → `kustomize` → `git`, `journal`, `goals`, `settings`, `manifest`, `cluster` →
//! `error`, `cancel`, `progress`, `check`, `quantity`, `replace`.

pub mod cancel;
pub mod capacity;
pub mod check;
pub mod cluster;
pub mod commands;
pub mod error;
pub mod flux;
pub mod git;
pub mod gitops;
pub mod goals;
pub mod journal;
pub mod kustomize;
pub mod manifest;
pub mod probe;
pub mod progress;
pub mod quantity;
pub mod replace;
pub mod report;
pub mod run;
pub mod script;
pub mod settings;
pub mod sim;
pub mod ui;
