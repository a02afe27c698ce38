//! Where an installation acts, in a form that another installation can compare with its own.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// The namespaces of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActsIn {
    /// These.
    Only(BTreeSet<String>),
    /// All but these.
    AllBut(BTreeSet<String>),
}

impl ActsIn {
    /// Whether there is a namespace in which both act, or may come to act.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::AllBut(_), Self::AllBut(_)) => true,
            (Self::Only(some), Self::Only(others)) => !some.is_disjoint(others),
            (Self::Only(some), Self::AllBut(excluded)) | (Self::AllBut(excluded), Self::Only(some)) => {
                !some.is_subset(excluded)
            }
        }
    }
}

/// `shop,bank`, or `*` and `*-kube-system,test` for all but some.
impl fmt::Display for ActsIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(",");
        match self {
            Self::Only(some) => f.write_str(&names(some)),
            Self::AllBut(excluded) if excluded.is_empty() => f.write_str("*"),
            Self::AllBut(excluded) => write!(f, "*-{}", names(excluded)),
        }
    }
}

impl FromStr for ActsIn {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let names = |text: &str| text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Ok(match text.strip_prefix('*') {
            Some(rest) => Self::AllBut(names(rest.strip_prefix('-').unwrap_or_default())),
            None => Self::Only(names(text)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installations_meet_where_they_have_a_namespace_in_common() {
        for (one, other, meets) in [
            ("*", "*", true),
            ("*-a", "*-b", true),
            ("*", "a", true),
            ("*-a,b", "a", false),
            ("*-a", "a,b", true),
            ("a,b", "b,c", true),
            ("a", "b", false),
            ("", "*", false),
        ] {
            let [left, right] = [one, other].map(|text| text.parse::<ActsIn>().unwrap());
            assert_eq!((left.meets(&right), right.meets(&left)), (meets, meets), "{one:?} {other:?}");
            assert_eq!([left.to_string(), right.to_string()], [one, other]);
        }
    }
}
