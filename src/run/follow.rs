//! Following a pushed commit through Flux, with Git's word on which revisions hold it.

use futures::future::BoxFuture;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::flux::{self, Applied, Delivery, StepEvent};
use crate::progress::Progress;

use super::Session;

/// Waits until everything that the delivery names has followed, or can no longer.
pub(super) fn follow(
    session: &Session,
    delivery: &Delivery,
    cancel: &Cancel,
    progress: &Progress,
    on_step: &(dyn Fn(StepEvent) + Send + Sync),
) -> Result<Applied> {
    let cluster = session.cluster()?;
    let (repo, git) = (session.repo.clone(), session.settings.git.clone());
    let ours = delivery.commit.clone();
    // A commit that somebody else pushed meanwhile is unknown here until it is fetched.
    let descends = move |theirs: String| -> BoxFuture<'_, bool> {
        let (repo, git, ours, calm) = (repo.clone(), git.clone(), ours.clone(), Cancel::new());
        Box::pin(async move {
            if repo.resolve(&theirs, &calm).await.ok().flatten().is_none()
                && let Ok(target) = repo.target(&git.remote, &git.branch, &calm).await
            {
                // What cannot be fetched is judged by what is here.
                let _ = repo.fetch(&target.remote, &target.branch, &calm).await;
            }
            repo.is_ancestor(&ours, &theirs, &calm).await.unwrap_or(false)
        })
    };
    session.runtime.block_on(flux::deliver(cluster, delivery, &descends, cancel, progress, on_step))
}
