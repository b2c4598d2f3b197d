//! Dropping a commit that never left this repository.

use super::Repo;
use crate::cancel::Cancel;
use crate::error::Result;

impl Repo {
    /// Takes the newest commit off `branch` and puts `paths` back as they were before it. Only for a commit that was
    /// not pushed: a pushed one is reverted. `false`, and nothing is done, when the branch has moved on since.
    pub async fn drop_newest(&self, commit: &str, paths: &[String], branch: &str, cancel: &Cancel) -> Result<bool> {
        let name = format!("refs/heads/{branch}");
        let Some(parent) = self.resolve(&format!("{commit}^"), cancel).await? else { return Ok(false) };
        if self.resolve(&name, cancel).await?.as_deref() != Some(commit) {
            return Ok(false);
        }
        // Branch, index and files belong together: from here on nothing is cancelled.
        let calm = Cancel::new();
        self.writes(&["update-ref", "-m", "dpb: drop a commit that was not pushed", &name, &parent, commit])
            .run(&calm)
            .await?;
        self.restore(paths, &parent, &calm).await?;
        Ok(true)
    }
}
