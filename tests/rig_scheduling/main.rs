//! Generated situations put before the true kube-scheduler and before our room rules. Run with `rig/test`.

mod dice;
mod rules;
mod situation;
mod truth;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use dpb::capacity::{Placement, Preemption, Room, bind, demand, place, room_for};
use dpb::cluster::{Cluster, Flags};
use serde_json::Value;

use situation::{NAMESPACES, Situation};
use truth::{Outcome, Rig, names};

/// How many situations there are.
const SITUATIONS: u64 = 330;

#[derive(Default)]
struct Tally {
    /// By what we say and what the scheduler does.
    verdicts: BTreeMap<(&'static str, &'static str), Vec<String>>,
    wrong: Vec<String>,
    /// Disagreements, with what we said.
    pessimistic: Vec<String>,
    probes: usize,
    probes_bound: usize,
    not_the_best: Vec<String>,
    other_words: Vec<String>,
    evictions: usize,
    other_victims: Vec<String>,
}

fn verdict(placement: &Placement) -> &'static str {
    match (placement.fits(), placement.by_luck()) {
        (true, _) => "fits",
        (false, true) => "by luck",
        (false, false) => "does not fit",
    }
}

fn words(placement: &Placement) -> String {
    let one = |u: &dpb::capacity::Unplaced| format!("{} of {}: {}", u.count, u.workload, u.why.join("; "));
    placement.unplaced.iter().map(one).collect::<Vec<_>>().join(" | ")
}

impl Tally {
    async fn put(&mut self, rig: &Rig, situation: &Situation) {
        rig.furnish(situation).await;
        let room = room_for(&rig.cluster, &NAMESPACES).await.unwrap();
        let placement = place(&room, &demand(&situation.workloads, &room, &[]));
        rig.come(situation).await;
        let mut outcome = rig.outcome(situation).await;
        let suspicious = |outcome: &Outcome| placement.fits() != outcome.fits();
        if suspicious(&outcome) {
            rig.settled(situation, Duration::from_secs(4)).await;
            outcome = rig.outcome(situation).await;
        }
        let (ours, theirs) = (verdict(&placement), if outcome.fits() { "fits" } else { "does not fit" });
        let line = format!(
            "{} ({:?}): we say {ours} ({} of {}): {}; pending {:?}, evicted {}",
            situation.name,
            situation.theme,
            placement.fitting,
            placement.tried,
            words(&placement),
            outcome.pending,
            outcome.evicted
        );
        match (ours, theirs) {
            ("fits", "does not fit") => self.wrong.push(line),
            ("by luck" | "does not fit", "fits") => self.pessimistic.push(line),
            _ => {}
        }
        self.verdicts.entry((ours, theirs)).or_default().push(situation.name.clone());
        for probe in &situation.probes {
            self.probe(rig, probe).await;
        }
    }

    /// One pod more. Tried again when we differ: on a slow machine something may have changed in the middle.
    async fn probe(&mut self, rig: &Rig, probe: &Value) {
        let differences = |tally: &Self| tally.other_words.len() + tally.not_the_best.len();
        let (known, words, best) = (differences(self), self.other_words.len(), self.not_the_best.len());
        for again in [true, true, false] {
            self.probe_once(rig, probe).await;
            if differences(self) == known || !again {
                return;
            }
            self.other_words.truncate(words);
            self.not_the_best.truncate(best);
            self.probes -= 1;
            rig.withdraw(probe).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    /// Node, words and victims.
    async fn probe_once(&mut self, rig: &Rig, probe: &Value) {
        let name = probe["metadata"]["name"].as_str().unwrap();
        let before = rig.pods().await;
        let (nodes, namespaces) = (rig.items("/api/v1/nodes").await, rig.items("/api/v1/namespaces").await);
        let truth = rig.probe(probe).await;
        let after = rig.pods().await;
        // As the API server has made it: with defaults, priority, overhead.
        let pod = after.iter().find(|pod| pod["metadata"]["name"] == name).cloned().unwrap();
        let mut alone = pod.clone();
        alone["spec"].as_object_mut().unwrap().remove("nodeName");
        let ours = bind(&alone, &Room::of(&nodes, &before, &namespaces));
        self.probes += 1;
        let gone: BTreeSet<(String, String)> = names(&before).difference(&names(&after)).cloned().collect();
        match (&ours, &truth) {
            (Ok(bound), Ok(node)) => {
                self.probes_bound += usize::from(bound.equals.contains(node));
                if !bound.equals.contains(node) {
                    self.not_the_best.push(format!("{name}: {node}, we say {:?}", bound.equals));
                }
            }
            (Err(no), Ok(node)) => match &no.preemption {
                Preemption::Evict { node: ours, victims } => {
                    self.evictions += 1;
                    let victims: BTreeSet<_> = victims.iter().cloned().collect();
                    if ours != node || victims != gone {
                        self.other_victims
                            .push(format!("{name}: {node} without {gone:?}, we say {ours} without {victims:?}"));
                    }
                }
                _ => self.other_words.push(format!("{name}: bound to {node}, we say {}", no.message())),
            },
            (Ok(bound), Err(message)) => self.other_words.push(format!("{name}: {message}\n    we say {}", bound.node)),
            (Err(no), Err(message)) if no.message() != *message => {
                self.other_words.push(format!("{name}: {message}\n    we say {}", no.message()));
            }
            _ => {}
        }
    }

    fn report(&self) {
        for ((ours, theirs), names) in &self.verdicts {
            println!("{:>4} we say {ours}, the scheduler: {theirs}", names.len());
        }
        println!("{} probes, {} bound, {} with evictions", self.probes, self.probes_bound, self.evictions);
        for (what, lines) in [
            ("wrong", &self.wrong),
            ("pessimistic", &self.pessimistic),
            ("another node than the best", &self.not_the_best),
            ("other words", &self.other_words),
            ("other victims", &self.other_victims),
        ] {
            println!("{} {what}", lines.len());
            for line in lines {
                println!("  {line}");
            }
        }
    }

    /// Fails on a wrong "fits", on 2 % of other disagreements, on other words than the scheduler's; and where too little
    /// was put to it.
    fn judge(&self, whole: bool) {
        assert!(self.wrong.is_empty(), "we said that it fits, and the scheduler left pods pending or evicted some");
        assert!(self.other_words.is_empty(), "the scheduler speaks otherwise");
        assert!(self.not_the_best.is_empty(), "the scheduler chose a node that we like less");
        if !whole {
            return;
        }
        let of =
            |ours: &str| self.verdicts.iter().filter(|((o, _), _)| *o == ours).map(|(_, n)| n.len()).sum::<usize>();
        let total = usize::try_from(SITUATIONS).unwrap();
        assert!(self.pessimistic.len() * 100 < 2 * total, "too often we did not say that it fits");
        assert!(of("by luck") * 100 < 10 * total, "too often we did not commit ourselves");
        assert!(of("fits") * 4 > total && of("does not fit") * 4 > total, "one-sided situations");
        assert!(self.probes_bound > 100 && self.probes - self.probes_bound > 100 && self.evictions > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the rig: rig/test"]
async fn what_we_say_fits_is_never_left_pending() {
    let rig = Rig::new(Cluster::connect(&Flags::default()).await.unwrap());
    rig.prepare().await;
    let (began, mut tally) = (Instant::now(), Tally::default());
    // `s017,s042`: these only.
    let only = std::env::var("DPB_SITUATION").ok();
    for number in 0..SITUATIONS {
        let situation = Situation::generate(number);
        if only.as_ref().is_some_and(|only| !only.contains(&situation.name)) {
            continue;
        }
        tally.put(&rig, &situation).await;
        assert!(!rig.strays(&situation).await, "{}: pods of another situation", situation.name);
        rig.clear().await;
    }
    println!("{SITUATIONS} situations in {:.0} s", began.elapsed().as_secs_f64());
    tally.report();
    tally.judge(only.is_none());
}
