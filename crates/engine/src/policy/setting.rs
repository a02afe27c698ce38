//! The settings of a policy as data: one table from which schemas and references are written
//! and by which every `config` is judged.

use serde_json::Value;

use crate::number::Number;
use crate::{Fault, FaultKind, Problem};

/// One setting of a policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Name of the field.
    pub name: &'static str,
    /// What it holds.
    pub type_: SettingType,
    /// Whether it must be given.
    pub required: bool,
    /// What it means, and what holds where it is left out; whole sentences.
    pub help: &'static str,
}

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SettingType {
    /// Any number from `min` to `max`, both included.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// A number above 0.
    PositiveNumber,
    /// A number above 0 and at most 1.
    Share,
    /// A whole number from `min` to `max`, both included.
    Integer {
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
    },
    /// Where a service listens: `http://` or `https://`, host and port, see [`SettingType::ADDRESS`].
    Address,
}

impl SettingType {
    /// Replicas, from `min` up.
    pub(super) const fn replicas(min: u32) -> Self {
        Self::Integer { min, max: i32::MAX as u32 }
    }

    /// What an address looks like, as a regular expression: nothing but scheme, host and port. A user
    /// or a password would stand in the manifest for everyone to read.
    pub const ADDRESS: &str = r"^https?://[^/?#@\s]+/?$";

    /// The longest address, in characters.
    pub const LONGEST_ADDRESS: usize = 512;

    /// Any number that is not negative.
    pub(super) const NOT_NEGATIVE: Self = Self::Number { min: 0.0, max: f64::MAX };

    /// What is wrong with `value`, if anything is.
    fn problem(self, value: &Value) -> Option<Fault> {
        let number = value.as_f64();
        let (fits, allowed) = match self {
            Self::Number { min, max } => (
                number.is_some_and(|number| (min..=max).contains(&number)),
                match max {
                    f64::MAX => format!("a number of at least {}", Number(min)),
                    _ => format!("a number from {} to {}", Number(min), Number(max)),
                },
            ),
            Self::PositiveNumber => {
                (number.is_some_and(|number| number > 0.0), "a number above 0".to_owned())
            }
            Self::Share => (
                number.is_some_and(|number| number > 0.0 && number <= 1.0),
                "a number above 0 and at most 1".to_owned(),
            ),
            Self::Integer { min, max } => (
                value.as_u64().is_some_and(|number| (u64::from(min)..=u64::from(max)).contains(&number)),
                format!("a whole number from {min} to {max}"),
            ),
            Self::Address => (
                value.as_str().is_some_and(is_address),
                "http:// or https:// with a host and a port, and nothing else".to_owned(),
            ),
        };
        (!fits).then(|| Fault::invalid_value(value, format_args!("must be {allowed}")))
    }
}

/// Whether `text` is what [`SettingType::ADDRESS`] says.
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = rest.map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let fits = |host: &str| {
        !host.is_empty() && !host.contains(|found: char| found.is_whitespace() || "/?#@".contains(found))
    };
    host.is_some_and(fits) && text.chars().count() <= SettingType::LONGEST_ADDRESS
}

/// All that is wrong with `config` by `settings`, each problem with the path of its field.
pub(super) fn problems(settings: &[Setting], config: &Value, path: &str) -> Vec<Problem> {
    let none = serde_json::Map::new();
    let fields = match config {
        Value::Object(fields) => fields,
        Value::Null => &none,
        _ => return vec![Problem::new(path, Fault::invalid("must be an object"))],
    };
    let mut problems = Vec::new();
    for setting in settings {
        let place = || format!("{path}.{}", setting.name);
        match fields.get(setting.name).filter(|value| !value.is_null()) {
            None if setting.required => problems.push(Problem::new(place(), Fault::required())),
            None => {}
            Some(value) => {
                problems.extend(setting.type_.problem(value).map(|fault| Problem::new(place(), fault)));
            }
        }
    }
    let known = || match settings {
        [] => "has no settings".to_owned(),
        _ => {
            format!("accepts {}", settings.iter().map(|setting| setting.name).collect::<Vec<_>>().join(", "))
        }
    };
    for name in fields.keys().filter(|name| settings.iter().all(|setting| setting.name != name.as_str())) {
        let fault = Fault::new(FaultKind::UnknownField, format!("unknown field; this policy {}", known()));
        problems.push(Problem::new(format!("{path}.{name}"), fault));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SETTINGS: &[Setting] = &[
        Setting {
            name: "share",
            type_: SettingType::Number { min: 0.0, max: 1.0 },
            required: false,
            help: "",
        },
        Setting { name: "use", type_: SettingType::Share, required: false, help: "" },
        Setting { name: "price", type_: SettingType::PositiveNumber, required: true, help: "" },
        Setting { name: "pods", type_: SettingType::Integer { min: 1, max: 9 }, required: false, help: "" },
    ];

    fn said(config: Value) -> Vec<String> {
        problems(SETTINGS, &config, "c").iter().map(Problem::to_string).collect()
    }

    #[test]
    fn an_address_is_scheme_host_and_port() {
        for good in ["http://a", "https://a.b:1/", "http://[::1]:50051", "http://127.0.0.1:50051"] {
            assert!(is_address(good), "{good}");
        }
        let long = format!("http://{}", "a".repeat(SettingType::LONGEST_ADDRESS));
        for bad in [
            "",
            "a:1",
            "grpc://a",
            "http://",
            "http:///",
            "http://a/b",
            "http://a//",
            "http://u@a",
            "http://a?b",
            "http://a b",
            &long,
        ] {
            assert!(!is_address(bad), "{bad}");
        }
        let problem = SettingType::Address.problem(&json!(5)).unwrap();
        assert_eq!(
            problem.to_string(),
            "Invalid value: 5: must be http:// or https:// with a host and a port, and nothing else"
        );
    }

    #[test]
    fn every_field_is_judged() {
        assert_eq!(said(json!({"price": 0.1, "share": 1, "use": 1, "pods": 9})), [""; 0]);
        assert_eq!(said(Value::Null), ["c.price: Required value"]);
        assert_eq!(
            said(json!({"price": 0, "share": 1.5, "pods": 2.5, "prize": 3})),
            [
                "c.share: Invalid value: 1.5: must be a number from 0 to 1",
                "c.price: Invalid value: 0: must be a number above 0",
                "c.pods: Invalid value: 2.5: must be a whole number from 1 to 9",
                "c.prize: unknown field; this policy accepts share, use, price, pods",
            ]
        );
        for share in [json!(0), json!(1.1), json!("1")] {
            let problem = format!("c.use: Invalid value: {share}: must be a number above 0 and at most 1");
            assert_eq!(said(json!({"price": 1, "use": share})), [problem]);
        }
        assert_eq!(said(json!("x")), ["c: Invalid value: must be an object"]);
    }
}
