//! Something kept for each target, by the name that the target prints as.
//!
//! A sorted list, because it is looked into at every decision: a look makes no string, and the
//! one entry of a single target is found with one comparison.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Target;

/// A value for each of some targets. Serialised it is a map, with keys such as `Deployment shop/web`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByTarget<T>(Vec<(Arc<str>, T)>);

/// So many are looked through one by one, which is quicker than to find their order.
const FEW: usize = 8;

impl<T> Default for ByTarget<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> ByTarget<T> {
    /// The value of `target`.
    pub fn get(&self, target: &Target) -> Option<&T> {
        Some(&self.0[self.found(target)?].1)
    }

    /// Keeps `value` for `target`, in place of what was there.
    pub fn insert(&mut self, target: &Target, value: T) {
        match self.place(target) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => self.add(place, target, value),
        }
    }

    /// The value of `target`, which begins as the default.
    pub fn entry(&mut self, target: &Target) -> &mut T
    where
        T: Default,
    {
        let place = self.place(target).unwrap_or_else(|place| {
            self.add(place, target, T::default());
            place
        });
        &mut self.0[place].1
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// Forgets every target but `targets`, and every value that `keep` refuses.
    pub(crate) fn retain<'a>(
        &mut self,
        targets: impl Iterator<Item = &'a Target> + Clone,
        keep: impl Fn(&T) -> bool,
    ) {
        self.0.retain(|(name, value)| targets.clone().any(|target| is_name_of(name, target)) && keep(value));
    }

    /// Nearly all plans have one target, and there are several such lists for each.
    fn add(&mut self, place: usize, target: &Target, value: T) {
        self.0.reserve_exact(1);
        self.0.insert(place, (target.to_string().into(), value));
    }

    /// Has the names that `other` has, too, share its texts: there are several such lists for each object, and copies of them.
    pub(crate) fn share_names<O>(&mut self, other: &ByTarget<O>) {
        for (name, _) in &mut self.0 {
            if let Some((shared, _)) = other.0.iter().find(|(shared, _)| shared == name) {
                name.clone_from(shared);
            }
        }
    }

    /// Where `target` is, or belongs.
    fn place(&self, target: &Target) -> Result<usize, usize> {
        let found = self.found(target).map(Ok);
        found.unwrap_or_else(|| self.0.binary_search_by(|(name, _)| order(name, target)))
    }

    fn found(&self, target: &Target) -> Option<usize> {
        match self.0.len() {
            ..=FEW => self.0.iter().position(|(name, _)| is_name_of(name, target)),
            _ => self.0.binary_search_by(|(name, _)| order(name, target)).ok(),
        }
    }
}

/// Whether `name` is what `target` prints as.
fn is_name_of(name: &str, Target { kind, namespace, name: own, .. }: &Target) -> bool {
    let (name, slash) = (name.as_bytes(), kind.len() + 1 + namespace.len());
    name.len() == slash + 1 + own.len()
        && name.ends_with(own.as_bytes())
        && name[slash] == b'/'
        && name[kind.len() + 1..slash] == *namespace.as_bytes()
        && name[kind.len()] == b' '
        && name.starts_with(kind.as_bytes())
}

/// How `name` compares with what `target` prints as.
fn order(name: &str, target: &Target) -> Ordering {
    let mut rest = name.as_bytes();
    for part in [target.kind.as_str(), " ", target.namespace.as_str(), "/", target.name.as_str()] {
        let (length, part) = (part.len().min(rest.len()), part.as_bytes());
        match rest[..length].cmp(part) {
            Ordering::Equal => rest = &rest[length..],
            other => return other,
        }
    }
    if rest.is_empty() { Ordering::Equal } else { Ordering::Greater }
}

impl<T: Serialize> Serialize for ByTarget<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByTarget<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The order of the names is that of the list.
        let map = BTreeMap::<String, T>::deserialize(deserializer)?;
        let mut kept = Vec::with_capacity(map.len());
        kept.extend(map.into_iter().map(|(name, value)| (name.into(), value)));
        Ok(Self(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(kind: &str, namespace: &str, name: &str) -> Target {
        let [api_version, kind, namespace, name] = ["apps/v1", kind, namespace, name].map(str::to_owned);
        Target { api_version, kind, namespace, name }
    }

    #[test]
    fn a_target_is_found_by_what_it_prints_as() {
        let targets = [
            target("Deployment", "shop", "web"),
            target("Deployment", "shop", "web-2"),
            target("Deployment", "shop", "we"),
            target("Deployment", "shop-2", "web"),
            target("StatefulSet", "shop", "web"),
        ];
        let mut kept = ByTarget::default();
        for (number, target) in targets.iter().enumerate() {
            assert_eq!(kept.get(target), None);
            kept.insert(target, number);
        }
        for (number, target) in targets.iter().enumerate() {
            assert_eq!(kept.get(target), Some(&number));
            assert_eq!(order(&target.to_string(), target), Ordering::Equal);
            for other in &targets {
                assert_eq!(is_name_of(&other.to_string(), target), other == target, "{other} {target}");
            }
        }
        assert!(kept.iter().map(|(name, _)| name).is_sorted());
        for (one, other) in targets.iter().zip(&targets[1..]) {
            assert_eq!(order(&one.to_string(), other), one.to_string().cmp(&other.to_string()));
        }
        let mut others = kept.clone();
        others.0.iter_mut().for_each(|(name, _)| *name = name.to_string().into());
        others.share_names(&kept);
        assert!(others.0.iter().zip(&kept.0).all(|((one, _), (other, _))| Arc::ptr_eq(one, other)));
        let json = serde_json::to_value(&kept).unwrap();
        assert_eq!(json["Deployment shop/web-2"], 1);
        assert_eq!(serde_json::from_value::<ByTarget<usize>>(json).unwrap(), kept);
        let many: Vec<Target> =
            (0..20).map(|number| target("Job", "shop", &format!("web-{number}"))).collect();
        many.iter().rev().enumerate().for_each(|(number, target)| kept.insert(target, 100 + number));
        assert!(kept.iter().map(|(name, _)| name).is_sorted());
        assert_eq!((kept.get(&many[3]), kept.get(&targets[1])), (Some(&116), Some(&1)));
        assert_eq!(kept.get(&target("Job", "shop", "web-20")), None);
        kept.retain(targets[..2].iter(), |number| *number > 0);
        assert_eq!(kept.iter().collect::<Vec<_>>(), [("Deployment shop/web-2", &1)]);
    }
}
