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
    let (place, mut left) = (&place, chosen.collect::<Vec<_>>());
    let mut wrong = Vec::new();
    // Flux's controllers race with each other: what was recorded is one way, and it has to be seen within three tries.
    for _ in 0..3 {
        wrong.clear();
        // Several at a time: they are independent of each other, and most of their time is waiting.
        let mut played =
            futures::stream::iter(left).map(|s| async move { (s, play(place, s).await) }).buffer_unordered(8);
        let mut again = Vec::new();
        while let Some((situation, text)) = played.next().await {
            let name = situation.name;
            if recording {
                std::fs::write(recorded(name), text).unwrap();
                continue;
            }
            let wanted = std::fs::read_to_string(recorded(name)).unwrap_or_default();
            if let Some(difference) = line::difference(&wanted, &text) {
                wrong.push(format!("{name}: {difference}"));
                again.push(situation);
            }
        }
        if again.is_empty() {
            break;
        }
        eprintln!("otherwise than recorded: {}", again.iter().map(|s| s.name).collect::<Vec<_>>().join(", "));
        drop(played);
        left = again;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
