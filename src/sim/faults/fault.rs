//! The faults that can be asked for, how they are written, and what each part of the simulator asks about them.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::error::{Code, Error, Result};

use super::Glob;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `crash-loop=PODS`: the containers of these pods end with 1 again and again.
    CrashLoop(Glob),
    /// `image-pull=PODS-OR-IMAGES`: the image can't be had.
    ImagePull(Glob),
    /// `job-fails=PODS-OR-JOBS`: their containers end with 1.
    JobFails(Glob),
    /// `never-ready=PODS`: they run, and their readiness probe fails.
    NeverReady(Glob),
    /// `refuse=KIND/NAME`: the API server refuses this object.
    Refuse {
        /// The kind, any case.
        kind: String,
        /// Names.
        name: Glob,
    },
    /// `source-away=10s`: Git and registries don't answer for so long.
    SourceAway(Duration),
    /// `flux-stalled=NAMES`: these Kustomizations and Helm releases give up.
    FluxStalled(Glob),
    /// `flux-suspended=NAMES`: these are suspended.
    FluxSuspended(Glob),
    /// `no-room`: no node takes another pod.
    NoRoom,
    /// `node-lost=NODE`: the node doesn't answer any more.
    NodeLost(String),
    /// `slow=100ms`: every request takes so much longer.
    Slow(Duration),
    /// `429=N`: the next N requests are put off.
    TooMany(u64),
    /// `500=PATH`: requests whose path matches fail.
    Broken(Glob),
    /// `reset=N`: the next N requests are cut off.
    Reset(u64),
    /// `expired-token`: no credentials are taken.
    ExpiredToken,
    /// `deny=VERB:RESOURCE[:NAMESPACE]`: forbidden.
    Deny(Denial),
}

/// What is forbidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// `create`, or `*`.
    pub verb: Glob,
    /// `pods`, `pods/log`, or `*`.
    pub resource: Glob,
    /// Everywhere when absent.
    pub namespace: Option<Glob>,
}

const HINT: &str = "One of crash-loop=PODS, image-pull=PODS, job-fails=PODS, never-ready=PODS, refuse=KIND/NAME, \
                    source-away=10s, flux-stalled=NAMES, flux-suspended=NAMES, no-room, node-lost=NODE, slow=100ms, \
                    429=N, 500=PATH, reset=N, expired-token, deny=VERB:RESOURCE[:NAMESPACE]; * stands for any letters";

impl FromStr for Fault {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (word, value) = match text.split_once('=') {
            Some((word, value)) => (word, Some(value)),
            None => (text, None),
        };
        let bad = |what: &str| Error::new(Code::Usage, format!("fault `{text}`: {what}")).hint(HINT);
        let needed = || value.filter(|v| !v.is_empty()).ok_or_else(|| bad("it wants a value after `=`"));
        let glob = || needed().map(Glob::new);
        let number = || needed()?.parse().map_err(|_| bad("it wants a number"));
        let bare = |fault: Self| if value.is_none() { Ok(fault) } else { Err(bad("it takes no value")) };
        match word {
            "crash-loop" => Ok(Self::CrashLoop(glob()?)),
            "image-pull" => Ok(Self::ImagePull(glob()?)),
            "job-fails" => Ok(Self::JobFails(glob()?)),
            "never-ready" => Ok(Self::NeverReady(glob()?)),
            "refuse" => {
                let (kind, name) = needed()?.split_once('/').ok_or_else(|| bad("it wants KIND/NAME"))?;
                Ok(Self::Refuse { kind: kind.to_owned(), name: Glob::new(name) })
            }
            "source-away" => Ok(Self::SourceAway(duration(needed()?).ok_or_else(|| bad("not a duration"))?)),
            "flux-stalled" => Ok(Self::FluxStalled(glob()?)),
            "flux-suspended" => Ok(Self::FluxSuspended(glob()?)),
            "no-room" => bare(Self::NoRoom),
            "node-lost" => Ok(Self::NodeLost(needed()?.to_owned())),
            "slow" => Ok(Self::Slow(duration(needed()?).ok_or_else(|| bad("not a duration"))?)),
            "429" => Ok(Self::TooMany(number()?)),
            "500" => Ok(Self::Broken(glob()?)),
            "reset" => Ok(Self::Reset(number()?)),
            "expired-token" => bare(Self::ExpiredToken),
            "deny" => denial(needed()?).map(Self::Deny).ok_or_else(|| bad("it wants VERB:RESOURCE[:NAMESPACE]")),
            _ => Err(bad("unknown")),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CrashLoop(glob) => write!(f, "crash-loop={glob}"),
            Self::ImagePull(glob) => write!(f, "image-pull={glob}"),
            Self::JobFails(glob) => write!(f, "job-fails={glob}"),
            Self::NeverReady(glob) => write!(f, "never-ready={glob}"),
            Self::Refuse { kind, name } => write!(f, "refuse={kind}/{name}"),
            Self::SourceAway(time) => write!(f, "source-away={}ms", time.as_millis()),
            Self::FluxStalled(glob) => write!(f, "flux-stalled={glob}"),
            Self::FluxSuspended(glob) => write!(f, "flux-suspended={glob}"),
            Self::NoRoom => f.write_str("no-room"),
            Self::NodeLost(node) => write!(f, "node-lost={node}"),
            Self::Slow(time) => write!(f, "slow={}ms", time.as_millis()),
            Self::TooMany(count) => write!(f, "429={count}"),
            Self::Broken(glob) => write!(f, "500={glob}"),
            Self::Reset(count) => write!(f, "reset={count}"),
            Self::ExpiredToken => f.write_str("expired-token"),
            Self::Deny(Denial { verb, resource, namespace: None }) => write!(f, "deny={verb}:{resource}"),
            Self::Deny(Denial { verb, resource, namespace: Some(ns) }) => write!(f, "deny={verb}:{resource}:{ns}"),
        }
    }
}

fn denial(text: &str) -> Option<Denial> {
    let parts: Vec<&str> = text.split(':').collect();
    let (verb, resource, namespace) = match parts[..] {
        [verb, resource] => (verb, resource, None),
        [verb, resource, namespace] => (verb, resource, Some(Glob::new(namespace))),
        _ => return None,
    };
    (!verb.is_empty() && !resource.is_empty()).then(|| Denial {
        verb: Glob::new(verb),
        resource: Glob::new(resource),
        namespace,
    })
}

/// `100ms`, `10s`, `2m`, `1h`.
fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..end].parse().ok()?;
    match &text[end..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        _ => None,
    }
}

/// The faults in force; shared by all parts of one simulated cluster. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    faults: Vec<Fault>,
    started: Option<Timestamp>,
}

impl Faults {
    /// From their texts.
    pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self> {
        let faults: Result<Vec<Fault>> = texts.iter().map(|text| text.as_ref().parse()).collect();
        Ok(Self::of(faults?))
    }

    /// With these.
    pub fn of(faults: Vec<Fault>) -> Self {
        Self(Arc::new(Mutex::new(Inner { faults, started: None })))
    }

    /// One more, from now on.
    pub fn add(&self, fault: Fault) {
        self.with(|inner| inner.faults.push(fault));
    }

    /// No longer this one.
    pub fn remove(&self, fault: &Fault) {
        self.with(|inner| inner.faults.retain(|known| known != fault));
    }

    /// All that are in force.
    pub fn list(&self) -> Vec<Fault> {
        self.with(|inner| inner.faults.clone())
    }

    /// Notes when the world began: faults that last for a while count from here.
    pub fn start(&self, now: Timestamp) {
        self.with(|inner| {
            inner.started.get_or_insert(now);
        });
    }

    /// Whether the containers of a pod crash.
    pub fn crash_loop(&self, namespace: &str, pod: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::CrashLoop(glob) if glob.takes_object(namespace, pod)))
    }

    /// Whether an image can't be had for a pod.
    pub fn image_pull(&self, namespace: &str, pod: &str, image: &str) -> bool {
        self.any(
            |fault| matches!(fault, Fault::ImagePull(glob) if glob.takes_object(namespace, pod) || glob.takes(image)),
        )
    }

    /// Whether the work of a pod or of its Job fails.
    pub fn job_fails(&self, namespace: &str, pod_or_job: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::JobFails(glob) if glob.takes_object(namespace, pod_or_job)))
    }

    /// Whether a pod never becomes ready.
    pub fn never_ready(&self, namespace: &str, pod: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::NeverReady(glob) if glob.takes_object(namespace, pod)))
    }

    /// Whether the API server refuses an object, by its kind and name.
    pub fn refuses(&self, kind: &str, namespace: &str, name: &str) -> bool {
        self.any(|fault| {
            matches!(fault, Fault::Refuse { kind: wanted, name: glob }
                if wanted.eq_ignore_ascii_case(kind) && glob.takes_object(namespace, name))
        })
    }

    /// Whether Git and registries are away.
    pub fn source_away(&self, now: Timestamp) -> bool {
        self.with(|inner| {
            let started = inner.started.unwrap_or(now);
            inner.faults.iter().any(|fault| match fault {
                Fault::SourceAway(time) => {
                    now.duration_since(started) < SignedDuration::try_from(*time).unwrap_or(SignedDuration::MAX)
                }
                _ => false,
            })
        })
    }

    /// Whether a Kustomization or a Helm release gives up.
    pub fn flux_stalled(&self, namespace: &str, name: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::FluxStalled(glob) if glob.takes_object(namespace, name)))
    }

    /// Whether a Flux object is suspended.
    pub fn flux_suspended(&self, namespace: &str, name: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::FluxSuspended(glob) if glob.takes_object(namespace, name)))
    }

    /// Whether no node takes another pod.
    pub fn no_room(&self) -> bool {
        self.any(|fault| *fault == Fault::NoRoom)
    }

    /// Whether a node is lost.
    pub fn node_lost(&self, node: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::NodeLost(name) if name == node))
    }

    /// How much longer every request takes.
    pub fn slow(&self) -> Option<Duration> {
        self.with(|inner| {
            inner.faults.iter().find_map(|fault| if let Fault::Slow(time) = fault { Some(*time) } else { None })
        })
    }

    /// Whether this request is put off (429): counts it.
    pub fn too_many(&self) -> bool {
        self.take(|fault| if let Fault::TooMany(left) = fault { Some(left) } else { None })
    }

    /// Whether this request is cut off: counts it.
    pub fn reset(&self) -> bool {
        self.take(|fault| if let Fault::Reset(left) = fault { Some(left) } else { None })
    }

    /// Whether requests to a path fail with 500.
    pub fn broken(&self, path: &str) -> bool {
        self.any(|fault| matches!(fault, Fault::Broken(glob) if glob.takes(path)))
    }

    /// Whether no credentials are taken.
    pub fn expired_token(&self) -> bool {
        self.any(|fault| *fault == Fault::ExpiredToken)
    }

    /// Whether a verb on a resource (`pods`, `pods/log`) is denied in a namespace.
    pub fn denied(&self, verb: &str, resource: &str, namespace: Option<&str>) -> bool {
        self.any(|fault| {
            matches!(fault, Fault::Deny(denial)
                if denial.verb.takes(verb)
                    && denial.resource.takes(resource)
                    && denial.namespace.as_ref().is_none_or(|glob| namespace.is_some_and(|ns| glob.takes(ns))))
        })
    }

    fn any(&self, is: impl Fn(&Fault) -> bool) -> bool {
        self.with(|inner| inner.faults.iter().any(is))
    }

    fn take(&self, left: impl Fn(&mut Fault) -> Option<&mut u64>) -> bool {
        self.with(|inner| {
            let found = inner.faults.iter_mut().find_map(left);
            match found {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    true
                }
                _ => false,
            }
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_reads_back() {
        for text in [
            "crash-loop=hive-*",
            "image-pull=*trino*",
            "job-fails=init",
            "never-ready=x",
            "refuse=Deployment/web",
            "source-away=10000ms",
            "flux-stalled=hive",
            "flux-suspended=flux-system/apps",
            "no-room",
            "node-lost=k8s-2",
            "slow=100ms",
            "429=3",
            "500=/api/*",
            "reset=1",
            "expired-token",
            "deny=create:pods",
            "deny=*:secrets:data",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_fault_is_named() {
        for text in [
            "crash",
            "crash-loop",
            "crash-loop=",
            "no-room=1",
            "429=many",
            "slow=1",
            "deny=create",
            "refuse=x",
            "source-away=5 s",
        ] {
            let error = text.parse::<Fault>().unwrap_err();
            assert_eq!(error.code(), Code::Usage, "{text}");
            assert!(error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn counted_faults_end() {
        let faults = Faults::parse(&["429=2", "reset=1"]).unwrap();
        assert_eq!([faults.too_many(), faults.too_many(), faults.too_many()], [true, true, false]);
        assert_eq!([faults.reset(), faults.reset()], [true, false]);
    }

    #[test]
    fn questions_are_answered_by_what_was_asked_for() {
        let faults =
            Faults::parse(&["deny=get:pods*:data", "refuse=deployment/web", "source-away=10s", "image-pull=*/hive:*"])
                .unwrap();
        assert!(faults.denied("get", "pods/log", Some("data")) && !faults.denied("get", "pods", None));
        assert!(faults.refuses("Deployment", "a", "web") && !faults.refuses("Deployment", "a", "web2"));
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        faults.start(start);
        assert!(faults.source_away(start) && !faults.source_away(start + SignedDuration::from_secs(10)));
        assert!(faults.image_pull("a", "p", "docker.io/apache/hive:4") && !faults.image_pull("a", "p", "nginx"));
        faults.remove(&"deny=get:pods*:data".parse().unwrap());
        assert!(!faults.denied("get", "pods", Some("data")));
        assert_eq!(faults.list().len(), 3);
    }
}
