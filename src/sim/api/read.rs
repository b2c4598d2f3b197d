//! Reading: one object, a list with pages and selectors; and the deletion of a whole list.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;

use super::call::{Answer, Body, List, Verb};
use super::convert;
use super::field_error::FieldError;
use super::fields::FieldSelector;
use super::pages::Place;
use super::removal;
use super::selectors::LabelSelector;
use super::status::Status;
use super::work::Work;

/// Which objects of a resource are meant.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub(super) labels: LabelSelector,
    pub(super) fields: FieldSelector,
}

impl Selection {
    pub(super) fn of(work: &Work) -> Result<Self, Status> {
        let options = &work.call.options;
        let custom = work.resource.crd.as_ref().map(|crd| crd.selectable_fields.as_slice());
        Ok(Self {
            labels: LabelSelector::parse(&options.label_selector)?,
            fields: FieldSelector::parse(&options.field_selector, &work.resource.gvr, custom)?,
        })
    }

    fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }
}

/// GET of an object.
pub(super) fn get(work: &mut Work) -> Result<Answer, Status> {
    let asked = exact_version(&work.call.options.resource_version)?;
    not_too_new(work, asked)?;
    let value = work.current()?;
    Ok(work.answer(value, false))
}

/// A version that a client gives; 0 for none and for any.
pub(super) fn version(text: &str) -> Result<u64, Status> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| {
        Status::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
        ))
    })
}

/// As [`version`], in the words of a get and a watch.
pub(super) fn exact_version(text: &str) -> Result<u64, Status> {
    version(text).map_err(|_| {
        let why =
            format!("resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax");
        Status::new(500, "", why)
    })
}

fn not_too_new(work: &Work, asked: u64) -> Result<(), Status> {
    let current = work.state.store.version();
    if asked <= current {
        return Ok(());
    }
    let status = Status::timeout(format!("Too large resource version: {asked}, current: {current}"), 1);
    Err(status.with_causes(&[("ResourceVersionTooLarge", "Too large resource version", "")]))
}

/// Checks how `resourceVersion` and `resourceVersionMatch` go together.
pub(super) fn check_match(work: &Work, watch: bool) -> Result<(), Status> {
    let options = &work.call.options;
    let (version, way) = (options.resource_version.as_str(), options.rv_match.as_str());
    let mut errors = Vec::new();
    let field = "resourceVersionMatch";
    if watch && options.send_initial_events.is_some() {
        if way != "NotOlderThan" {
            errors.push(FieldError::forbidden(
                field,
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        }
    } else if watch && !way.is_empty() {
        errors.push(FieldError::forbidden(
            field,
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ));
    } else if !watch {
        if options.send_initial_events.is_some() {
            errors.push(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        if !way.is_empty() {
            if version.is_empty() {
                errors.push(FieldError::forbidden(
                    field,
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                ));
            }
            if !options.cont.is_empty() {
                errors
                    .push(FieldError::forbidden(field, "resourceVersionMatch is forbidden when continue is provided"));
            }
            if !matches!(way, "Exact" | "NotOlderThan") {
                errors.push(FieldError::not_supported(field, &format!("\"{way}\""), &["Exact", "NotOlderThan", ""]));
            }
            if way == "Exact" && version == "0" {
                errors.push(FieldError::forbidden(
                    field,
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                ));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid("meta.k8s.io", "ListOptions", "", &errors)) }
}

/// GET of a collection.
pub(super) fn list(work: &mut Work) -> Result<Answer, Status> {
    let list = page(work)?;
    let mut items = Vec::with_capacity(list.items.len());
    for item in &list.items {
        items.push(convert::to_served(item, &work.resource)?);
    }
    let mut answer = work.answer(Value::Null, false);
    answer.body = Body::List(List { items, ..list });
    Ok(answer)
}

/// The wanted page, objects as they are kept.
fn page(work: &Work) -> Result<List, Status> {
    check_match(work, false)?;
    let selection = Selection::of(work)?;
    let options = &work.call.options;
    let store = &work.state.store;
    let resource = work.kept().resource();
    let (mut at, mut after, mut limit) = (store.version(), String::new(), options.limit);
    let mut past: Option<BTreeMap<String, Arc<Value>>> = None;
    if options.cont.is_empty() {
        let asked = version(&options.resource_version)?;
        not_too_new(work, asked)?;
        if options.rv_match == "Exact" {
            at = asked;
            past = Some(
                store
                    .at(&resource, at)
                    .map_err(|_| Status::gone("The provided resource version is too old, use a newer one."))?,
            );
        } else if options.resource_version == "0" {
            limit = 0;
        }
    } else {
        if !options.resource_version.is_empty() && options.resource_version != "0" {
            return Err(Status::bad_request("specifying resource version is not allowed when using continue"));
        }
        let place = Place::read(&options.cont)?;
        after.clone_from(&place.after);
        if let Some(version) = place.version {
            at = version;
            past = Some(store.at(&resource, version).map_err(|_| too_old(&place))?);
        }
    }
    let namespace = work.namespace();
    let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    let mut items = Vec::new();
    let mut rest = 0;
    let mut last = String::new();
    let mut take = |key: &String, value: &Arc<Value>| {
        let below = &key[prefix.len()..];
        if !after.is_empty() && below <= after.as_str() {
            return;
        }
        if !selection.labels.matches(value) || !selection.fields.matches(&work.kept(), value) {
            return;
        }
        if limit > 0 && items.len() == limit {
            rest += 1;
        } else {
            below.clone_into(&mut last);
            items.push(value.clone());
        }
    };
    match &past {
        Some(past) => {
            let from = past.range::<String, _>((Bound::Included(&prefix), Bound::Unbounded));
            from.take_while(|(key, _)| key.starts_with(&prefix)).for_each(|(key, value)| take(key, value));
        }
        None => store.of(&resource, namespace).for_each(|(key, value)| take(key, value)),
    }
    let cont = if rest == 0 { String::new() } else { Place { version: Some(at), after: last }.write() };
    let remaining = (rest > 0 && selection.is_everything()).then_some(rest);
    Ok(List {
        kind: work.resource.list_kind.clone(),
        api_version: work.resource.api_version(),
        version: at,
        cont,
        remaining,
        items,
        typed_items: work.resource.is_custom(),
    })
}

fn too_old(place: &Place) -> Status {
    let on = Place { version: None, after: place.after.clone() }.write();
    Status::gone("The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.").with_continue(on)
}

/// DELETE of a collection; answers the objects as they were.
pub(super) fn delete_collection(work: &mut Work) -> Result<Answer, Status> {
    let list = page(work)?;
    let mut items = Vec::with_capacity(list.items.len());
    for item in &list.items {
        let item = convert::to_served(item, &work.resource)?;
        work.admit(Verb::Delete, &item, Some(&item))?;
        removal::one(work, &item)?;
        items.push(item);
    }
    let mut answer = work.answer(Value::Null, false);
    answer.body = Body::List(List { items, ..list });
    Ok(answer)
}
