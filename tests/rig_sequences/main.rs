//! The sequences of states that Flux's objects go through, on true controllers: compared with `true/NAME.txt`, or
//! written there (`RIG_RECORD=1`). Run with `RIG_TARGETS=rig_sequences rig/test`.

mod line;
mod situations;
mod stage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use dpb::cluster::{Cluster, Flags};

use futures::StreamExt as _;
use situations::ALL;
use stage::{Place, play};

fn recorded(name: &str) -> PathBuf {
    let folder = std::env::var("RIG_RECORD").unwrap_or_else(|_| "tests/rig_sequences/true".into());
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{folder}/{name}.txt"))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn true_flux_goes_through_the_recorded_states() {
    let state = std::env::var("RIG_STATE").expect("RIG_STATE is not set: run this with rig/test");
    let only = std::env::var("RIG_SITUATION").unwrap_or_default();
    let recording = std::env::var("RIG_RECORD").is_ok();
    let place = Place {
        cluster: Cluster::connect(&Flags::default()).await.unwrap(),
        remotes: Path::new(&state).join("git"),
        url: "http://127.0.0.1:18080/".into(),
        quiet: Duration::from_millis(2500),
    };
    let chosen = ALL.iter().filter(|s| only.is_empty() || only.split(',').any(|name| name == s.name));
    let (place, mut wrong) = (&place, Vec::new());
    // Several at a time: they are independent of each other, and most of their time is waiting.
    let mut played =
        futures::stream::iter(chosen).map(|s| async move { (s.name, play(place, s).await) }).buffer_unordered(8);
    while let Some((name, text)) = played.next().await {
        if recording {
            std::fs::write(recorded(name), text).unwrap();
        } else {
            let wanted = std::fs::read_to_string(recorded(name)).unwrap_or_default();
            if let Some(difference) = line::difference(&wanted, &text) {
                wrong.push(format!("{name}: {difference}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
