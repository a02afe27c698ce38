//! `external`: a service outside says how many replicas each member of a group is to have.
//!
//! The policy itself asks nobody, as the engine does no I/O. It names its [`Adviser`], whoever polls
//! asks there, and the answer comes back in [`View::advice`](super::View::advice). Without an answer
//! there is no recommendation, and nothing is scaled in.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::{
    Policy, PolicyEntry, PolicyMemories, Recommendation, Serves, Setting, SettingType, View, settings,
};
use crate::{Basis, one_line};

/// The longest reason that is shown, in characters.
const LONGEST_REASON: usize = 200;

pub(super) const ENTRY: PolicyEntry = PolicyEntry {
    name: "external",
    summary: "The recommendation of a gRPC service, which may use a learned model. See learned-policies.md.",
    serves: Serves::Group,
    settings: &[
        Setting {
            name: "address",
            type_: SettingType::Address,
            required: true,
            help: "Scheme, host and port of the service, for example http://policy.shop:50051.",
        },
        Setting {
            name: "timeoutSeconds",
            type_: SettingType::Integer { min: 1, max: 30 },
            required: false,
            help: "Timeout of a call to the service. Default 5.",
        },
    ],
    compile: |config, path| {
        let Config { address, timeout_seconds } = settings(&ENTRY, config, path)?;
        let timeout = Duration::from_secs(timeout_seconds.into());
        Ok(Arc::new(External::new(Adviser { address, timeout })) as Arc<dyn Policy>)
    },
};

/// Who is asked for advice before each decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adviser {
    /// Where it listens: scheme, host and port.
    pub address: String,
    /// How long its answer may take.
    pub timeout: Duration,
}

/// Recommends what its adviser does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    adviser: Adviser,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    address: String,
    #[serde(default = "five")]
    timeout_seconds: u32,
}

fn five() -> u32 {
    5
}

impl External {
    /// With the advice of `adviser`.
    pub fn new(adviser: Adviser) -> Self {
        Self { adviser }
    }
}

impl Policy for External {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn recommend(&self, view: &View<'_>, member: usize, _: &mut PolicyMemories) -> Option<Recommendation> {
        let advice = view.advice?;
        let replicas = advice.replicas.get(member).copied().flatten()?;
        let basis = Basis::Advice { reason: one_line(&advice.reason, LONGEST_REASON) };
        Some(Recommendation { policy: ENTRY.name, replicas, basis })
    }

    fn adviser(&self) -> Option<&Adviser> {
        Some(&self.adviser)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Advice, Problem};

    fn external() -> External {
        External::new(Adviser { address: "http://policy:50051".to_owned(), timeout: Duration::from_secs(5) })
    }

    fn recommended(advice: Option<&Advice>, member: usize) -> Option<Recommendation> {
        let view = View { advice, ..View::default() };
        external().recommend(&view, member, &mut PolicyMemories::default())
    }

    #[test]
    fn it_recommends_what_is_advised() {
        let advice = Advice { replicas: vec![Some(7), None, Some(0)], reason: "load bucket 3".to_owned() };
        let first = recommended(Some(&advice), 0).unwrap();
        assert_eq!((first.policy, first.replicas), ("external", 7));
        assert_eq!(first.basis.to_string(), "load bucket 3");
        assert_eq!(recommended(Some(&advice), 1), None, "it is left as it is");
        assert_eq!(recommended(Some(&advice), 2).unwrap().replicas, 0, "the bounds are kept elsewhere");
        assert_eq!(recommended(Some(&advice), 3), None, "nothing was said of it");
        assert_eq!(recommended(None, 0), None);
    }

    #[test]
    fn the_advisers_words_are_cleaned_and_shortened() {
        let reported = |reason: &str| {
            let advice = Advice { replicas: vec![Some(1)], reason: reason.to_owned() };
            recommended(Some(&advice), 0).unwrap().basis.to_string()
        };
        assert_eq!(reported("load\n\u{1b}[31mhigh"), "load [31mhigh");
        assert_eq!(reported(&"x".repeat(500)).chars().count(), LONGEST_REASON);
        assert_eq!(reported("\n"), "no reason given");
    }

    #[test]
    fn its_settings_say_whom_to_ask() {
        let compile = |config| {
            let said = |problems: Vec<Problem>| problems.iter().map(Problem::to_string).collect::<Vec<_>>();
            (ENTRY.compile)(&config, "c").map(|policy| policy.adviser().cloned().unwrap()).map_err(said)
        };
        let adviser = |address: &str, seconds| {
            Ok(Adviser { address: address.to_owned(), timeout: Duration::from_secs(seconds) })
        };
        assert_eq!(compile(json!({ "address": "http://policy:50051" })), adviser("http://policy:50051", 5));
        let slow = json!({ "address": "https://[::1]/", "timeoutSeconds": 30 });
        assert_eq!(compile(slow), adviser("https://[::1]/", 30));
        let wrong = json!({ "timeoutSeconds": 31 });
        let said = [
            "c.address: Required value",
            "c.timeoutSeconds: Invalid value: 31: must be a whole number from 1 to 30",
        ];
        assert_eq!(compile(wrong), Err(said.map(str::to_owned).into()));
    }
}
