//! `linear`: replicas follow one metric along a straight line between two points.
//!
//! Below the low point the minimum replicas, above the high point the maximum, between
//! them `trunc((value - low) / (high - low) * (most - least) + least)`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Policy, PolicyEntry, PolicyMemories, Recommendation, Serves, Setting, SettingType, View, settings,
};
use crate::{Basis, Fault, Level, Problem};

pub(super) const ENTRY: PolicyEntry = PolicyEntry {
    name: "linear",
    summary: "Replicas in proportion to the first metric, on a straight line between two points.",
    serves: Serves::Target,
    settings: &[
        Setting {
            name: "low",
            type_: SettingType::NOT_NEGATIVE,
            required: true,
            help: "Metric value at and below which `minReplicas` are recommended.",
        },
        Setting {
            name: "high",
            type_: SettingType::NOT_NEGATIVE,
            required: true,
            help: "Metric value at and above which `maxReplicas` are recommended; must be greater than \
                   `low`.",
        },
        Setting {
            name: "minReplicas",
            type_: SettingType::replicas(0),
            required: true,
            help: "Replicas at `low`.",
        },
        Setting {
            name: "maxReplicas",
            type_: SettingType::replicas(1),
            required: true,
            help: "Replicas at `high`.",
        },
    ],
    compile: |config, path| Ok(Arc::new(Linear::from_config(config, path)?) as Arc<dyn Policy>),
};

/// A straight line from (`low`, `least`) to (`high`, `most`), over the plan's first metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linear {
    low: f64,
    high: f64,
    least: u32,
    most: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    low: f64,
    high: f64,
    min_replicas: u32,
    max_replicas: u32,
}

impl Linear {
    /// The line from `least` replicas at `low` to `most` replicas at `high`.
    /// `None` unless `low < high`, both finite, and `least <= most`.
    pub fn new(low: f64, high: f64, least: u32, most: u32) -> Option<Self> {
        let sound = low.is_finite() && high.is_finite() && low < high && least <= most;
        sound.then_some(Self { low, high, least, most })
    }

    fn from_config(config: &Value, path: &str) -> Result<Self, Vec<Problem>> {
        let Config { low, high, min_replicas, max_replicas } = settings(&ENTRY, config, path)?;
        Self::new(low, high, min_replicas, max_replicas).ok_or_else(|| {
            vec![Problem::new(
                path,
                Fault::invalid("low must be below high, and minReplicas not above maxReplicas"),
            )]
        })
    }

    fn replicas(&self, value: f64) -> u32 {
        if value < self.low {
            return self.least;
        }
        if value > self.high {
            return self.most;
        }
        let share = (value - self.low) / (self.high - self.low);
        let replicas = share * f64::from(self.most - self.least) + f64::from(self.least);
        replicas.trunc() as u32
    }
}

impl Policy for Linear {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn levels(&self, metric: usize) -> Vec<Level> {
        if metric == 0 {
            vec![Level::whole("low", self.low), Level::whole("high", self.high)]
        } else {
            Vec::new()
        }
    }

    fn recommend(&self, view: &View<'_>, _member: usize, _: &mut PolicyMemories) -> Option<Recommendation> {
        let value = view.value(0)?;
        Some(Recommendation {
            policy: ENTRY.name,
            replicas: self.replicas(value),
            basis: Basis::Range { value, low: self.low, high: self.high },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_line_and_truncates() {
        let line = Linear::new(1000.0, 5000.0, 2, 10).unwrap();
        let cases = [
            (-5.0, 2),
            (0.0, 2),
            (999.0, 2),
            (1000.0, 2),
            (1499.0, 2),
            (1500.0, 3),
            (3000.0, 6),
            (3250.0, 6),
            (4999.0, 9),
            (5000.0, 10),
            (5001.0, 10),
            (1e300, 10),
        ];
        for (value, replicas) in cases {
            assert_eq!(line.replicas(value), replicas, "at {value}");
        }
    }

    #[test]
    fn refuses_what_is_no_line() {
        assert_eq!(Linear::new(5.0, 5.0, 1, 2), None);
        assert_eq!(Linear::new(5.0, 4.0, 1, 2), None);
        assert_eq!(Linear::new(1.0, 2.0, 3, 2), None);
        assert_eq!(Linear::new(f64::NAN, 2.0, 1, 2), None);
        assert_eq!(Linear::new(1.0, f64::INFINITY, 1, 2), None);
    }

    fn compile(name: &str, config: &Value, path: &str) -> Result<Arc<dyn Policy>, Vec<Problem>> {
        crate::POLICIES.compile(name, config, path)
    }

    #[test]
    fn compiles_by_name_and_names_what_is_wrong() {
        let good = serde_json::json!({"low": 1, "high": 2, "minReplicas": 1, "maxReplicas": 3});
        assert_eq!(compile("linear", &good, "spec.policy.config").unwrap().name(), "linear");
        let crossed = serde_json::json!({"low": 2, "high": 1, "minReplicas": 1, "maxReplicas": 3});
        let problems = compile("linear", &crossed, "spec.policy.config").unwrap_err();
        assert!(
            problems[0].to_string().starts_with("spec.policy.config: Invalid value: low must be below high"),
            "{problems:?}"
        );
        let problems = compile("liner", &good, "spec.policy.type").unwrap_err();
        let said = problems[0].to_string();
        assert!(
            said.starts_with(
                "spec.policy.type: Unsupported value: \"liner\": supported values: \"slo\", \"cost\""
            ),
            "{said}"
        );
    }
}
