//! Every kind that is served: the server's own, and those that CRDs bring.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::crd_resource;
use super::gvr::Gvr;
use super::resource::Resource;
use super::shipped::shipped;

/// The kinds that are served, in the order of discovery.
#[derive(Clone, Debug, Default)]
pub struct Types {
    all: Vec<Arc<Resource>>,
    by_gvr: HashMap<Gvr, Arc<Resource>>,
    by_kind: HashMap<(String, String, String), Arc<Resource>>,
    /// CRDs in force, by name.
    crds: HashMap<String, Value>,
}

/// A group as discovery has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Empty for the core.
    pub name: String,
    /// The preferred one first.
    pub versions: Vec<String>,
}

impl Types {
    /// The server's own kinds.
    pub fn shipped() -> Self {
        let mut types = Self::default();
        for resource in &shipped().resources {
            types.insert(resource.clone());
        }
        types
    }

    fn insert(&mut self, resource: Arc<Resource>) {
        let kind = (resource.gvr.group.clone(), resource.gvr.version.clone(), resource.kind.clone());
        self.by_gvr.insert(resource.gvr.clone(), resource.clone());
        self.by_kind.entry(kind).or_insert_with(|| resource.clone());
        self.all.push(resource);
    }

    fn retain(&mut self, keep: impl Fn(&Resource) -> bool) {
        self.all.retain(|resource| keep(resource));
        self.by_gvr.retain(|_, resource| keep(resource));
        self.by_kind.retain(|_, resource| keep(resource));
    }

    /// The resource of this name.
    pub fn resource(&self, gvr: &Gvr) -> Option<Arc<Resource>> {
        self.by_gvr.get(gvr).cloned()
    }

    /// The resource whose objects are of this kind.
    pub fn by_kind(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Resource>> {
        self.by_kind.get(&(group.to_owned(), version.to_owned(), kind.to_owned())).cloned()
    }

    /// The resource of an object, by its `apiVersion` and `kind`.
    pub fn of_object(&self, object: &Value) -> Option<Arc<Resource>> {
        let api_version = object["apiVersion"].as_str()?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.by_kind(group, version, object["kind"].as_str()?)
    }

    /// Everything that is served.
    pub fn all(&self) -> Vec<Arc<Resource>> {
        self.all.clone()
    }

    /// The resources of one group and version, in the order of discovery.
    pub fn of_version(&self, group: &str, version: &str) -> Vec<Arc<Resource>> {
        self.all.iter().filter(|r| r.gvr.group == group && r.gvr.version == version).cloned().collect()
    }

    /// The groups in the order of discovery, the core first.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for resource in &self.all {
            let at = groups.iter().position(|g| g.name == resource.gvr.group).unwrap_or_else(|| {
                groups.push(Group { name: resource.gvr.group.clone(), versions: Vec::new() });
                groups.len() - 1
            });
            if !groups[at].versions.contains(&resource.gvr.version) {
                groups[at].versions.push(resource.gvr.version.clone());
            }
        }
        let custom = groups.iter().position(|g| !shipped().resources.iter().any(|r| r.gvr.group == g.name));
        if let Some(custom) = custom {
            groups[custom..].sort_by(|a, b| a.name.cmp(&b.name));
            for group in &mut groups[custom..] {
                group.versions.sort_by(|a, b| crd_resource::compare_versions(b, a));
            }
        }
        groups
    }

    /// The preferred version of a group.
    pub fn preferred(&self, group: &str) -> Option<String> {
        self.groups().into_iter().find(|g| g.name == group)?.versions.into_iter().next()
    }

    /// Serves what a CRD describes, in the place of what an earlier version of it described. The CRD is one that
    /// [`super::crd`] found valid and established.
    pub fn set_crd(&mut self, crd: &Value) {
        let name = crd["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        self.remove_crd(&name);
        for resource in crd_resource::resources(crd) {
            self.insert(Arc::new(resource));
        }
        self.crds.insert(name, crd.clone());
    }

    /// Serves it no longer.
    pub fn remove_crd(&mut self, name: &str) {
        self.crds.remove(name);
        self.retain(|resource| resource.crd.as_ref().is_none_or(|crd| crd.name != name));
    }

    /// The CRD of this name, if it is in force.
    pub fn crd(&self, name: &str) -> Option<&Value> {
        self.crds.get(name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::decode::FieldValidation;
    use super::super::schema::{ListType, Type};
    use super::super::shipped;
    use super::*;

    #[test]
    fn serves_what_the_true_server_serves() {
        let types = Types::shipped();
        let pods = types.resource(&Gvr::new("", "v1", "pods")).unwrap();
        assert!(pods.namespaced && pods.status && pods.can("deletecollection"));
        assert_eq!((pods.kind.as_str(), pods.short_names.as_slice()), ("Pod", ["po".to_owned()].as_slice()));
        let spec = pods.schema.at(&["spec"]).unwrap();
        assert_eq!(spec.at(&["containers"]).unwrap().list_type, ListType::Map(vec!["name".into()]));
        let ports = spec.at(&["containers", "[]", "ports"]).unwrap();
        assert_eq!(ports.list_type, ListType::Map(vec!["containerPort".into(), "protocol".into()]));
        assert_eq!(ports.at(&["[]", "protocol"]).unwrap().default, Some(json!("TCP")));
        assert_eq!(ports.patch_merge_key.as_deref(), Some("containerPort"));
        assert!(spec.at(&["nodeSelector"]).unwrap().atomic);
        assert!(
            types
                .by_kind("apps", "v1", "Deployment")
                .unwrap()
                .schema
                .at(&["spec", "strategy"])
                .unwrap()
                .patches_by("retainKeys")
        );
        assert!(types.resource(&Gvr::new("apps", "v1beta1", "deployments")).is_none());
        assert_eq!(types.preferred("autoscaling").as_deref(), Some("v2"));
        assert_eq!(shipped::server_version(), "v1.36.2");
    }

    #[test]
    fn every_kind_that_can_be_created_has_its_go_type() {
        for resource in Types::shipped().all() {
            assert!(resource.schema.go.is_some(), "{}", resource.gvr);
            assert_eq!(resource.schema.ty, Type::Object, "{}", resource.gvr);
        }
    }

    #[test]
    fn serves_the_kinds_of_crds() {
        let mut types = Types::shipped();
        for crd in shipped::crds() {
            types.set_crd(crd);
        }
        let cluster = types.by_kind("postgresql.cnpg.io", "v1", "Cluster").unwrap();
        assert!(cluster.status && cluster.namespaced);
        let mut body = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "a"}, "spec": {"instances": 1, "foo": 1}});
        let warnings = cluster.decode(&mut body, &[], FieldValidation::Warn).unwrap();
        assert_eq!(warnings, ["unknown field \"spec.foo\""]);
        assert_eq!(body["spec"], json!({"instances": 1}));
        types.remove_crd("clusters.postgresql.cnpg.io");
        assert!(types.by_kind("postgresql.cnpg.io", "v1", "Cluster").is_none());
    }
}
