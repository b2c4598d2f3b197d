//! Server-side apply and the tracking of other writes, over fields and their owners.

use serde_json::Value;

use super::atom::Place;
use super::compare::Comparison;
use super::element::{Element, same};
use super::field_set::{field_set, with_named};
use super::managers::{Entry, Manager, Managers, Operation};
use super::merge::merge;
use super::reconcile::reconcile;
use super::remove::remove;
use super::set::Set;
use super::target::Target;

/// Fields that somebody else owns with another value, by owner.
pub(super) type Conflicts = Vec<(Manager, Vec<Element>)>;

/// What nobody ever owns.
fn unowned() -> Set {
    let metadata = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ];
    let mut set = Set::of(&[&["apiVersion"], &["kind"], &["metadata"]]);
    for field in metadata {
        set = set.union(&Set::of(&[&["metadata", field]]));
    }
    set
}

/// Brings the owners up to date after a write that was no apply.
pub(super) fn update(target: &Target, live: &Value, new: &Value, managers: Managers, name: &str) -> Managers {
    let place = Place::root(target.schema);
    let managers = reconciled(place, managers);
    let Ok((mut managers, changed)) = take_over(target, live, new, managers, None, true) else {
        return Managers::new();
    };
    let taken = changed.set().without(&target.put_back).difference(&unowned());
    if taken.is_empty() {
        return managers;
    }
    let manager = Manager { name: name.to_owned(), ..target.entry(Operation::Update) };
    let fields = managers.get(&manager).map_or_else(|| taken.clone(), |entry| taken.union(&entry.fields));
    let entry = Entry { fields, api_version: target.api_version.clone(), time: Some(target.now.to_owned()) };
    managers.insert(manager, entry);
    managers
}

/// Applies a configuration. The object is `None` if nothing but the owners changes.
pub(super) fn apply(
    target: &Target,
    live: &Value,
    config: &Value,
    managers: Managers,
    force: bool,
) -> Result<(Option<Value>, Managers), Conflicts> {
    let place = Place::root(target.schema);
    let mut managers = reconciled(place, managers);
    let merged = merge(place, Some(live), Some(config)).unwrap_or(Value::Null);
    let fields = field_set(place, config).without(&target.put_back);
    let manager = target.entry(Operation::Apply);
    let last = managers.get(&manager).cloned();
    let time = last.as_ref().and_then(|entry| entry.time.clone());
    managers.insert(manager.clone(), Entry { fields, api_version: target.api_version.clone(), time });
    let new = match last {
        Some(last) if !last.fields.is_empty() => prune(place, &merged, &managers, &last.fields),
        _ => merged,
    };
    let (mut managers, _) = take_over(target, live, &new, managers, Some(&manager), force)?;
    let new = (!same(live, &new)).then_some(new);
    if let Some(entry) = managers.get_mut(&manager) {
        entry.fields = entry.fields.difference(&unowned());
        if new.is_some() {
            entry.time = Some(target.now.to_owned());
        }
        if entry.fields.is_empty() {
            managers.remove(&manager);
        }
    }
    Ok((new, managers))
}

fn reconciled(place: Place, managers: Managers) -> Managers {
    let fit = |(manager, entry): (Manager, Entry)| {
        let fields = reconcile(&entry.fields, place);
        (manager, Entry { fields, ..entry })
    };
    managers.into_iter().map(fit).collect()
}

/// Takes changed fields from the other managers, or says whose they are.
fn take_over(
    target: &Target,
    live: &Value,
    new: &Value,
    managers: Managers,
    own: Option<&Manager>,
    force: bool,
) -> Result<(Managers, Comparison), Conflicts> {
    let changed = Comparison::between(Place::root(target.schema), live, new).without(&target.put_back);
    let set = changed.set();
    let mut conflicts = Conflicts::new();
    let mut left = Managers::new();
    for (manager, mut entry) in managers {
        if Some(&manager) != own {
            let taken = entry.fields.intersection(&set);
            conflicts.extend(taken.paths().into_iter().map(|path| (manager.clone(), path)));
            entry.fields = entry.fields.difference(&taken).difference(&changed.removed);
        }
        if !entry.fields.is_empty() {
            left.insert(manager, entry);
        }
    }
    if force || conflicts.is_empty() { Ok((left, changed)) } else { Err(conflicts) }
}

/// Removes what the manager applied last time and not this time, and nobody else owns.
fn prune(place: Place, merged: &Value, managers: &Managers, last: &Set) -> Value {
    let last = with_named(last, place);
    let pruned = remove(place, merged, &last);
    let owned = managers.values().fold(Set::default(), |all, entry| all.union(&entry.fields));
    let merged_set = with_named(&field_set(place, merged), place);
    // Back comes what somebody owns …
    let pruned_set = with_named(&field_set(place, &pruned), place);
    let pruned = remove(place, merged, &merged_set.difference(&pruned_set.union(&with_named(&owned, place))));
    // … and what the manager did not own itself.
    let pruned_set = with_named(&field_set(place, &pruned), place);
    remove(place, merged, &merged_set.difference(&pruned_set).intersection(&last))
}
