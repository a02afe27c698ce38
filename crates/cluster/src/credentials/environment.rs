//! The environment of a container, as the kubelet makes it of a pod's spec: what `envFrom` names, then `env` in its
//! order, with `$(NAME)` for what is set already. Pure, but for the objects that it names.
//!
//! Only what the wanted variables rest on is looked at, so that a secret which another variable names need not be
//! readable.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Container, EnvFromSource, EnvVar};

use super::Values;

/// Longest value that is made by putting others into it.
const LONGEST: usize = 64 * 1024;

/// Names of objects in the namespace of the container.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Objects {
    pub(super) secrets: BTreeSet<String>,
    pub(super) config_maps: BTreeSet<String>,
}

/// What became of reading one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    Values(Values),
    Missing,
    Failed(String),
}

/// The objects that were read, by name.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) secrets: BTreeMap<String, Fetched>,
    pub(super) config_maps: BTreeMap<String, Fetched>,
}

/// The container called `name`, or the first; `None` where there are no containers at all, so that nothing is set.
pub(super) fn container(containers: Vec<Container>, name: Option<&str>) -> Result<Option<Container>, String> {
    let names: Vec<String> = containers.iter().map(|container| container.name.clone()).collect();
    let found = containers.into_iter().find(|container| name.is_none_or(|name| container.name == name));
    match (found, name) {
        (None, Some(name)) if !names.is_empty() => {
            Err(format!("its pod template has no container {name:?}, only {}", names.join(", ")))
        }
        (found, _) => Ok(found),
    }
}

/// The objects that the `wanted` variables rest on.
pub(super) fn needed(container: &Container, wanted: &BTreeSet<String>) -> Objects {
    let (env, rests_on) = (container.env.as_deref().unwrap_or_default(), closure(container, wanted));
    let mut objects = Objects::default();
    for variable in env.iter().filter(|variable| rests_on.contains(&variable.name)) {
        let Some(from) = &variable.value_from else { continue };
        objects.secrets.extend(from.secret_key_ref.iter().map(|of| of.name.clone()));
        objects.config_maps.extend(from.config_map_key_ref.iter().map(|of| of.name.clone()));
    }
    let is_set = |name: &str| env.iter().any(|variable| variable.name == name && !is_optional(variable));
    if rests_on.iter().any(|name| !is_set(name)) {
        for source in container.env_from.iter().flatten() {
            objects.secrets.extend(source.secret_ref.iter().map(|of| of.name.clone()));
            objects.config_maps.extend(source.config_map_ref.iter().map(|of| of.name.clone()));
        }
    }
    objects
}

/// The values of the `wanted` variables that the container has.
pub(super) fn values(
    container: &Container,
    wanted: &BTreeSet<String>,
    held: &Held,
) -> Result<Values, String> {
    let rests_on = closure(container, wanted);
    let env = container.env.as_deref().unwrap_or_default();
    let mut known = Values::new();
    for source in container.env_from.iter().flatten() {
        add_all(source, &rests_on, held, &mut known)?;
    }
    for variable in env.iter().filter(|variable| rests_on.contains(&variable.name)) {
        if let Some(value) = value(variable, held, &known)? {
            known.insert(variable.name.clone(), value);
        }
    }
    known.retain(|name, _| wanted.contains(name));
    Ok(known)
}

/// The `wanted` variables and all that their values refer to, over any number of steps.
fn closure(container: &Container, wanted: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = wanted.clone();
    let mut open: Vec<String> = wanted.iter().cloned().collect();
    while let Some(name) = open.pop() {
        let of_name = container.env.iter().flatten().filter(|variable| variable.name == name);
        for part in of_name.flat_map(|variable| parts(variable.value.as_deref().unwrap_or_default())) {
            if let Part::Variable(name) = part
                && found.insert(name.to_owned())
            {
                open.push(name.to_owned());
            }
        }
    }
    found
}

/// Whether the variable may be left unset, so that an earlier one of its name stays.
fn is_optional(variable: &EnvVar) -> bool {
    let Some(from) = &variable.value_from else { return false };
    let secret = from.secret_key_ref.as_ref().and_then(|of| of.optional);
    let map = from.config_map_key_ref.as_ref().and_then(|of| of.optional);
    secret.or(map).unwrap_or_default()
}

/// Adds what one item of `envFrom` sets.
fn add_all(
    source: &EnvFromSource,
    rests_on: &BTreeSet<String>,
    held: &Held,
    known: &mut Values,
) -> Result<(), String> {
    let (what, objects, name, optional) = if let Some(of) = &source.secret_ref {
        ("secret", &held.secrets, &of.name, of.optional)
    } else if let Some(of) = &source.config_map_ref {
        ("config map", &held.config_maps, &of.name, of.optional)
    } else {
        return Ok(());
    };
    // What is not read is not needed.
    let Some(fetched) = objects.get(name) else { return Ok(()) };
    let prefix = source.prefix.as_deref().unwrap_or_default();
    match fetched {
        Fetched::Values(values) => {
            for (key, value) in values {
                let name = format!("{prefix}{key}");
                if rests_on.contains(&name) {
                    known.insert(name, value.clone());
                }
            }
            Ok(())
        }
        Fetched::Missing if optional == Some(true) => Ok(()),
        Fetched::Missing => Err(format!("{what} {name}, which its envFrom names, does not exist")),
        Fetched::Failed(why) => Err(format!("{what} {name}, which its envFrom names: {why}")),
    }
}

/// What `variable` is set to; `None` where it is left unset.
fn value(variable: &EnvVar, held: &Held, known: &Values) -> Result<Option<Vec<u8>>, String> {
    let EnvVar { name, value, value_from } = variable;
    let Some(from) = value_from else {
        return expanded(value.as_deref().unwrap_or_default(), known)
            .map(Some)
            .ok_or_else(|| format!("its variable {name} is longer than {} KiB", LONGEST / 1024));
    };
    let (what, objects, of, key) = if let Some(of) = &from.secret_key_ref {
        ("secret", &held.secrets, &of.name, &of.key)
    } else if let Some(of) = &from.config_map_key_ref {
        ("config map", &held.config_maps, &of.name, &of.key)
    } else {
        // Each pod has a value of its own for it.
        return Ok(None);
    };
    let failed = |why: &str| Err(format!("{what} {of}, which its variable {name} names: {why}"));
    match objects.get(of) {
        Some(Fetched::Values(values)) => match values.get(key) {
            Some(value) => Ok(Some(value.clone())),
            None if is_optional(variable) => Ok(None),
            None => failed(&format!("it has no key {key:?}")),
        },
        Some(Fetched::Missing) | None if is_optional(variable) => Ok(None),
        Some(Fetched::Missing) | None => failed("it does not exist"),
        Some(Fetched::Failed(why)) => failed(why),
    }
}

/// A part of a value.
enum Part<'a> {
    Text(&'a str),
    /// `$(NAME)`.
    Variable(&'a str),
}

/// The parts of a value, where `$$` stands for one `$`.
fn parts(value: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        let (before, sign) = rest.split_at(at);
        parts.push(Part::Text(before));
        let behind = &sign[1..];
        if let Some(escaped) = behind.strip_prefix('$') {
            parts.push(Part::Text("$"));
            rest = escaped;
        } else if let Some((name, after)) = behind.strip_prefix('(').and_then(|open| open.split_once(')')) {
            parts.push(Part::Variable(name));
            rest = after;
        } else {
            parts.push(Part::Text("$"));
            rest = behind;
        }
    }
    parts.push(Part::Text(rest));
    parts
}

/// The value with what is known in place of its references; `None` where that gets too long.
fn expanded(value: &str, known: &Values) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for part in parts(value) {
        match part {
            Part::Text(text) => bytes.extend(text.as_bytes()),
            Part::Variable(name) => match known.get(name) {
                Some(value) => bytes.extend(value),
                // What is not set stays as it is written.
                None => bytes.extend(format!("$({name})").into_bytes()),
            },
        }
        if bytes.len() > LONGEST {
            return None;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
