//! Flux in the simulated cluster: its source, kustomize and helm controllers, with their conditions, texts, orders and
//! traps. What they do not play is refused by a condition that names it.
//!
//! The controllers know an API server by [`Server`] only; [`Flux`] holds them together and is driven from outside: told of
//! changes, given time, asked when something is due.

#![allow(clippy::unused_self, reason = "the steps of a controller have one shape")]
#![allow(clippy::similar_names, reason = "Flux's own words: chart and charts, release and releases")]
#![allow(clippy::format_push_string, reason = "texts of conditions, a few at a time")]
#![allow(clippy::should_implement_trait, reason = "`next` is when, not what")]

mod annotations;
mod apply;
mod built;
mod charts;
mod commit_tree;
mod condition;
mod dependency;
mod duration;
mod events;
mod git_repository;
mod health;
mod helm_action;
mod helm_atomic;
mod helm_chart;
mod helm_release;
mod helm_remediation;
mod helm_repository;
mod helm_run;
mod helm_storage;
mod helm_uninstall;
mod helm_values;
mod id;
mod kstatus;
mod kustomization;
mod object;
mod options;
mod progress;
mod remotes;
mod runner;
mod server;
mod source;
mod through_hand;
mod variables;

#[cfg(test)]
mod fake_server;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;

use git_repository::GitRepositories;
use helm_chart::HelmCharts;
use helm_repository::Registries;
use helm_run::HelmReleases;
use kustomization::Kustomizations;
use runner::Runner;

pub use charts::{Chart, Charts, Release};
pub use commit_tree::CommitTree;
pub use options::Options;
pub use remotes::Remotes;
pub use runner::{Env, Seen};
pub use server::{Server, Target, kind_name};

/// All controllers of Flux.
pub struct Flux {
    git: Runner<GitRepositories>,
    helm_repositories: Runner<Registries>,
    oci: Runner<Registries>,
    charts: Runner<HelmCharts>,
    kustomizations: Runner<Kustomizations>,
    releases: Runner<HelmReleases>,
}

macro_rules! each {
    ($flux:ident, $runner:ident => $do:expr) => {{
        let $runner = &mut $flux.git;
        $do;
        let $runner = &mut $flux.helm_repositories;
        $do;
        let $runner = &mut $flux.oci;
        $do;
        let $runner = &mut $flux.charts;
        $do;
        let $runner = &mut $flux.kustomizations;
        $do;
        let $runner = &mut $flux.releases;
        $do;
    }};
}

impl Flux {
    /// With these options.
    pub fn new(options: Options) -> Self {
        let (workers, options) = (options.concurrent, Arc::new(options));
        let (remotes, charts) = (&options.remotes, &options.charts);
        Self {
            git: Runner::new(GitRepositories::new(Arc::clone(remotes), Arc::clone(&options.away)), workers),
            helm_repositories: Runner::new(Registries::helm(charts.clone()), workers),
            oci: Runner::new(Registries::oci(charts.clone()), workers),
            charts: Runner::new(HelmCharts::new(Arc::clone(remotes), charts.clone()), workers),
            kustomizations: Runner::new(Kustomizations::new(Arc::clone(&options)), workers),
            releases: Runner::new(HelmReleases::new(Arc::clone(&options)), workers),
        }
    }

    /// Queues everything that exists: what happens when the controllers start.
    pub fn begin(&mut self, env: &Env<'_>) {
        each!(self, runner => runner.begin(env));
    }

    /// Takes note of a change.
    pub fn changed(&mut self, env: &Env<'_>, seen: &Seen<'_>) {
        each!(self, runner => runner.changed(env, seen));
    }

    /// Does what is due; whether there was anything.
    pub fn work(&mut self, env: &Env<'_>) -> bool {
        let mut worked = false;
        each!(self, runner => worked |= runner.work(env));
        worked
    }

    /// When something is due next: a step of a reconciliation, a retry, an interval.
    pub fn next(&mut self) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        each!(self, runner => next = [next, runner.next()].into_iter().flatten().min());
        next
    }

    /// When a reconciliation that runs goes on, or one is retried soon. Intervals don't count: a clock that jumps must not
    /// jump to them by itself, or every push would be fetched without being asked for.
    pub fn next_step(&mut self) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        each!(self, runner => next = [next, runner.next_step()].into_iter().flatten().min());
        next
    }
}
