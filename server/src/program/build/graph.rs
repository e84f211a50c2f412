//! What cargo resolved: the packages that would be linked, and who needs whom.

use std::collections::HashSet;

use serde::Deserialize;

use super::BuildError;

const CORE: &str = "bulla-core";

/// The output of `cargo metadata`, as far as it is read.
#[derive(Debug, Deserialize)]
pub(crate) struct Graph {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    root: String,
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    /// As Rust code calls it; empty if it has no library.
    name: String,
    pkg: String,
}

impl Graph {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// Inventories are apart for each version and each source of a crate, so codecs are found only if all link the same core.
    pub(crate) fn require_one_core(&self) -> Result<(), BuildError> {
        let cores: Vec<&Package> = self.packages.iter().filter(|package| package.name == CORE).collect();
        if let [_] = cores[..] {
            return Ok(());
        }
        let told: Vec<String> =
            cores.iter().map(|core| format!("{} for {}", core.version, self.wanting(core))).collect();
        Err(BuildError::TwoCores(told.join(", ")))
    }

    /// Who depends on a package.
    fn wanting(&self, package: &Package) -> String {
        let wanting = self.resolve.nodes.iter().filter(|node| node.deps.iter().any(|dep| dep.pkg == package.id));
        let mut names: Vec<&str> =
            wanting.filter_map(|node| self.package(&node.id)).map(|other| &*other.name).collect();
        names.sort_unstable();
        names.join(" and ")
    }

    /// As which name Rust code links a crate that the root depends on.
    pub(crate) fn library_of(&self, name: &str) -> Result<&str, BuildError> {
        let root = self.node(&self.resolve.root).ok_or(BuildError::Unresolved)?;
        let found = root.deps.iter().find(|dep| self.package(&dep.pkg).is_some_and(|package| package.name == name));
        let dep = found.filter(|dep| !dep.name.is_empty()).ok_or_else(|| BuildError::NoLibrary(name.to_owned()))?;
        if !self.reaches_core(&dep.pkg) {
            return Err(BuildError::NoCodec(name.to_owned()));
        }
        Ok(&dep.name)
    }

    fn reaches_core(&self, start: &str) -> bool {
        let (mut seen, mut left) = (HashSet::from([start]), vec![start]);
        while let Some(id) = left.pop() {
            if self.package(id).is_some_and(|package| package.name == CORE) {
                return true;
            }
            let deps = self.node(id).map(|node| &node.deps[..]).unwrap_or_default();
            left.extend(deps.iter().map(|dep| &*dep.pkg).filter(|next| seen.insert(next)));
        }
        false
    }

    fn node(&self, id: &str) -> Option<&Node> {
        self.resolve.nodes.iter().find(|node| node.id == id)
    }

    fn package(&self, id: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph from `package version: dependency dependency`, the root first.
    fn graph(lines: &[(&str, &[&str])]) -> Graph {
        let name = |id: &str| id.split('@').next().unwrap().to_owned();
        let packages = lines.iter().map(|(id, _)| Package {
            id: (*id).to_owned(),
            name: name(id),
            version: id.split('@').nth(1).unwrap().to_owned(),
        });
        let nodes = lines.iter().map(|(id, deps)| Node {
            id: (*id).to_owned(),
            deps: deps
                .iter()
                .map(|dep| Dependency { name: name(dep).replace('-', "_"), pkg: (*dep).to_owned() })
                .collect(),
        });
        Graph { packages: packages.collect(), resolve: Resolve { root: lines[0].0.to_owned(), nodes: nodes.collect() } }
    }

    #[test]
    fn one_core_is_as_it_should_be() {
        let graph = graph(&[
            ("root@0", &["bulla-server@1", "my-codec@3"]),
            ("bulla-server@1", &["bulla-core@1"]),
            ("my-codec@3", &["between@1"]),
            ("between@1", &["bulla-core@1", "my-codec@3"]),
            ("bulla-core@1", &[]),
        ]);
        assert_eq!(graph.require_one_core(), Ok(()));
        assert_eq!(graph.library_of("my-codec"), Ok("my_codec"));
    }

    #[test]
    fn two_cores_are_named_with_those_who_want_them() {
        let graph = graph(&[
            ("root@0", &["bulla-server@1", "my-codec@3"]),
            ("bulla-server@1", &["bulla-core@1"]),
            ("my-codec@3", &["bulla-core@2"]),
            ("bulla-core@1", &[]),
            ("bulla-core@2", &[]),
        ]);
        let error = graph.require_one_core().unwrap_err();
        assert_eq!(error, BuildError::TwoCores("1 for bulla-server, 2 for my-codec".to_owned()));
    }

    #[test]
    fn what_cannot_be_a_codec_is_told_before_it_is_compiled() {
        let mut graph = graph(&[("root@0", &["plain@1", "program@1"]), ("plain@1", &["plain@1"]), ("program@1", &[])]);
        graph.resolve.nodes[0].deps[1].name.clear();
        assert_eq!(graph.library_of("plain"), Err(BuildError::NoCodec("plain".to_owned())));
        assert_eq!(graph.library_of("program"), Err(BuildError::NoLibrary("program".to_owned())));
        assert_eq!(graph.library_of("absent"), Err(BuildError::NoLibrary("absent".to_owned())));
    }
}
