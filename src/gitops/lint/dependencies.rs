//! `dependsOn` names a Kustomization that exists, in the namespace where it lies, and no circle comes of it.

use crate::check::Check;
use crate::gitops::flux_files::Name;
use crate::gitops::world::{Unit, World};

use super::subject::Subject;
use super::verdict::{count, fault, verdict};

const NAME: &str = "dependencies";

pub(super) fn check(subject: &Subject<'_>) -> Vec<Check> {
    let mut faults = Vec::new();
    let mut seen = 0;
    for (app, unit) in subject.apps() {
        for (i, (namespace, dependency)) in unit.depends_on().into_iter().enumerate() {
            seen += 1;
            let place = subject.in_ks(app, &["spec", "dependsOn", &i.to_string()]);
            let wanted = (namespace.clone(), dependency.clone());
            if subject.after.unit(&wanted).is_some() {
                if let Some(circle) = circle(subject.after, &unit.name, &wanted) {
                    let path: Vec<String> = circle.iter().map(|(ns, name)| format!("{ns}/{name}")).collect();
                    faults.push(
                        fault(NAME, &place, &format!("a circle that never becomes ready: {}", path.join(" → ")))
                            .remedy("Take one of these dependsOn away"),
                    );
                }
                continue;
            }
            let elsewhere = subject.after.units.iter().find(|u| u.name.1 == dependency);
            faults.push(match elsewhere {
                Some(unit) => {
                    let text =
                        format!("Kustomization {dependency} lies in namespace {}, not in {namespace}", unit.name.0);
                    fault(NAME, &place, &text).remedy(format!("Depend on {}/{dependency}", unit.name.0))
                }
                None => fault(
                    NAME,
                    &place,
                    &format!("nothing in the repository makes Kustomization {namespace}/{dependency}"),
                )
                .remedy("Correct its name in dpb.yaml (…kustomization), or deliver what it stands for first"),
            });
        }
    }
    verdict(NAME, faults, (seen > 0).then(|| format!("{} found", count(seen, "Kustomization", "Kustomizations"))))
}

/// The way from `from` over `first` back to `from`, if there is one.
fn circle(world: &World, from: &Name, first: &Name) -> Option<Vec<Name>> {
    fn search(world: &World, target: &Name, here: &Name, way: &mut Vec<Name>) -> bool {
        way.push(here.clone());
        if here == target {
            return true;
        }
        for next in world.unit(here).map(Unit::depends_on).unwrap_or_default() {
            if (next == *target || !way.contains(&next)) && search(world, target, &next, way) {
                return true;
            }
        }
        way.pop();
        false
    }
    let mut way = vec![from.clone()];
    // The start is the target: it must not count as visited.
    let mut rest = Vec::new();
    search(world, from, first, &mut rest).then(|| {
        way.append(&mut rest);
        way
    })
}
