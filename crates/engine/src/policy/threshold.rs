//! `threshold`: above one threshold a step out, below another a step in, between them nothing.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Policy, PolicyEntry, PolicyMemories, Recommendation, Serves, Setting, SettingType, View, settings,
};
use crate::{Basis, Fault, Level, Problem};

pub(super) const ENTRY: PolicyEntry = PolicyEntry {
    name: "threshold",
    summary: "Adds replicas while the first metric is above one threshold, and removes replicas while it is \
              below another.",
    serves: Serves::Target,
    settings: &[
        Setting {
            name: "scaleUpThreshold",
            type_: SettingType::NOT_NEGATIVE,
            required: true,
            help: "Metric value above which replicas are added.",
        },
        Setting {
            name: "scaleDownThreshold",
            type_: SettingType::NOT_NEGATIVE,
            required: true,
            help: "Metric value below which replicas are removed; must not be above `scaleUpThreshold`.",
        },
        Setting {
            name: "scaleUpStep",
            type_: SettingType::replicas(1),
            required: false,
            help: "Number of pods that one step adds. Default 1.",
        },
        Setting {
            name: "scaleDownStep",
            type_: SettingType::replicas(1),
            required: false,
            help: "Number of pods that one step removes. Default 1.",
        },
    ],
    compile: |config, path| Ok(Arc::new(Threshold::from_config(config, path)?) as Arc<dyn Policy>),
};

/// Steps out while the plan's first metric is above `up`, and in while it is below `down`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    up: f64,
    down: f64,
    step_up: u32,
    step_down: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    scale_up_threshold: f64,
    scale_down_threshold: f64,
    #[serde(default = "one")]
    scale_up_step: u32,
    #[serde(default = "one")]
    scale_down_step: u32,
}

fn one() -> u32 {
    1
}

impl Threshold {
    /// Steps of `step_up` pods above `up` and of `step_down` pods below `down`.
    /// `None` unless `down <= up`, both finite, and both steps at least 1.
    pub fn new(up: f64, down: f64, step_up: u32, step_down: u32) -> Option<Self> {
        let sound = up.is_finite() && down.is_finite() && down <= up && step_up > 0 && step_down > 0;
        sound.then_some(Self { up, down, step_up, step_down })
    }

    fn from_config(config: &Value, path: &str) -> Result<Self, Vec<Problem>> {
        let Config { scale_up_threshold, scale_down_threshold, scale_up_step, scale_down_step } =
            settings(&ENTRY, config, path)?;
        Self::new(scale_up_threshold, scale_down_threshold, scale_up_step, scale_down_step).ok_or_else(|| {
            vec![Problem::new(
                path,
                Fault::invalid(
                    "scaleDownThreshold must not be above scaleUpThreshold, and steps must be at least 1",
                ),
            )]
        })
    }
}

impl Policy for Threshold {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn follows_noise(&self) -> bool {
        false
    }

    fn levels(&self, metric: usize) -> Vec<Level> {
        let levels =
            || vec![Level::whole("scaleUpThreshold", self.up), Level::whole("scaleDownThreshold", self.down)];
        if metric == 0 { levels() } else { Vec::new() }
    }

    fn recommend(&self, view: &View<'_>, member: usize, _: &mut PolicyMemories) -> Option<Recommendation> {
        let value = view.value(0)?;
        let current = view.replicas(member);
        Some(if value > self.up {
            Recommendation {
                policy: ENTRY.name,
                replicas: current.saturating_add(self.step_up),
                basis: Basis::Above { value, threshold: self.up },
            }
        } else if value < self.down {
            Recommendation {
                policy: ENTRY.name,
                replicas: current.saturating_sub(self.step_down),
                basis: Basis::Below { value, threshold: self.down },
            }
        } else {
            Recommendation {
                policy: ENTRY.name,
                replicas: current,
                basis: Basis::Range { value, low: self.down, high: self.up },
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scale;

    #[test]
    fn steps_only_beyond_the_thresholds() {
        let policy = Threshold::new(50.0, 10.0, 2, 1).unwrap();
        let recommend = |view: &View<'_>| policy.recommend(view, 0, &mut PolicyMemories::default());
        let scales = [Some(Scale { replicas: 4, status_replicas: 4, ready: None })];
        for (value, replicas) in [(51.0, 6), (50.0, 4), (10.0, 4), (9.9, 3)] {
            let values = [Some(value)];
            let view = View { scales: &scales, values: &values, ..View::default() };
            assert_eq!(recommend(&view).unwrap().replicas, replicas, "at {value}");
        }
        let view = View { scales: &scales, values: &[None], ..View::default() };
        assert_eq!(recommend(&view), None);
    }

    #[test]
    fn refuses_crossed_thresholds_and_steps_of_zero() {
        assert_eq!(Threshold::new(10.0, 50.0, 1, 1), None);
        assert_eq!(Threshold::new(50.0, 10.0, 0, 1), None);
        assert_eq!(Threshold::new(50.0, f64::NAN, 1, 1), None);
    }
}
