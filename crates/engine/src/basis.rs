//! What a policy's recommendation rests on, with its numbers: a few shapes that serve every policy.
//!
//! They stand apart from the steps because they grow with the policies, while steps grow with the limits.

use std::fmt;

use crate::activation::Cause;
use crate::hpa::Proposal;
use crate::number::Number;

/// What a policy's recommendation rests on.
#[derive(Clone, Debug, PartialEq)]
pub enum Basis {
    /// A value between, below or above two bounds: `3000 in 1000..5000`.
    Range {
        /// The reading.
        value: f64,
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// A value above a threshold: `60 > 50`.
    Above {
        /// The reading.
        value: f64,
        /// The threshold.
        threshold: f64,
    },
    /// A value below a threshold: `5 < 10`.
    Below {
        /// The reading.
        value: f64,
        /// The threshold.
        threshold: f64,
    },
    /// A count drawn between two bounds: `1..5, round 12`.
    Drawn {
        /// The least that could be drawn.
        least: u32,
        /// The most that could be drawn.
        most: u32,
        /// Decisions made before.
        round: u64,
    },
    /// The words of an adviser outside.
    Advice {
        /// One short line; may be empty.
        reason: String,
    },
    /// A value over its target: `700/100`, with the metric's name in front where there are several.
    Ratio {
        /// The metric, where the plan has several.
        metric: Option<String>,
        /// The reading.
        value: f64,
        /// The target.
        target: f64,
        /// How the two became a count of replicas.
        by: Proportion,
    },
    /// Values that are known only as lying between two: `400/80 to 560/80`.
    Between {
        /// What the lowest come to.
        least: Box<Basis>,
        /// What the highest come to.
        most: Box<Basis>,
    },
    /// The proposal of the metric with the highest recommendation of an HPA.
    Proposal(Proposal),
    /// Activity, or its absence: `s0-prometheus 30 > 0`, `inactive for 300 s`.
    Activity(Cause),
    /// Demand over the capacity of a replica: `webui 500 × 1.2 = 600, 100 a replica`.
    Demand {
        /// Where the demand comes from, in the plan's order.
        shares: Vec<DemandShare>,
        /// The demand, in the unit of `capacity`.
        demand: f64,
        /// The maximum demand that one replica can handle.
        capacity: f64,
        /// The share of `capacity` at which a replica is to run, above 0 and at most 1.
        utilization: f64,
    },
    /// Pods of a whole group, spread by weight: `9 pods for 900/100, weight 2 of 5`.
    Spread {
        /// Pods for the whole group.
        pods: u32,
        /// The metric, where the plan has several.
        metric: Option<String>,
        /// The reading.
        value: f64,
        /// The target.
        target: f64,
        /// The weight of the one whose recommendation this is.
        weight: f64,
        /// The sum of all weights.
        weights: f64,
    },
    /// The need of a caller, by weights: `as webui: 6 for weight 2, here weight 1`.
    Weights {
        /// Name of the caller.
        caller: String,
        /// Its need in replicas.
        need: u32,
        /// Its weight.
        caller_weight: f64,
        /// The weight of the one whose recommendation this is.
        weight: f64,
    },
}

/// A part of a member's demand.
#[derive(Clone, Debug, PartialEq)]
pub struct DemandShare {
    /// The member at which the part is measured; the metric, where that is the member itself.
    pub name: String,
    /// What is measured there.
    pub value: f64,
    /// What each unit of `value` comes to here: the calls along all paths.
    pub calls: f64,
}

impl DemandShare {
    /// What the part comes to.
    pub fn demand(&self) -> f64 {
        self.value * self.calls
    }
}

/// How a value over its target becomes a count of replicas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Proportion {
    /// The quotient is the count.
    Shared,
    /// The quotient counts for each of so many ready replicas.
    EachOf(u32),
    /// The quotient is as near to 1 as the tolerance; the replicas stay.
    Within {
        /// How far from 1 the quotient may be.
        tolerance: f64,
    },
    /// The quotient is above 1 and asks for fewer replicas than there are, as few of them are ready.
    Starting {
        /// The ready ones.
        ready: u32,
    },
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            &Self::Range { value, low, high } => {
                let relation = if value < low {
                    "below"
                } else if value > high {
                    "above"
                } else {
                    "in"
                };
                write!(f, "{} {relation} {}..{}", Number(value), Number(low), Number(high))
            }
            &Self::Above { value, threshold } => write!(f, "{} > {}", Number(value), Number(threshold)),
            &Self::Below { value, threshold } => write!(f, "{} < {}", Number(value), Number(threshold)),
            &Self::Drawn { least, most, round } => write!(f, "{least}..{most}, round {round}"),
            Self::Advice { reason } if reason.is_empty() => f.write_str("no reason given"),
            Self::Advice { reason } => f.write_str(reason),
            Self::Ratio { metric, value, target, by } => {
                if let Some(metric) = metric {
                    write!(f, "{metric} ")?;
                }
                write!(f, "{}/{}", Number(*value), Number(*target))?;
                match *by {
                    Proportion::Shared => Ok(()),
                    Proportion::EachOf(ready) => write!(f, " × {ready} ready"),
                    Proportion::Within { tolerance } => write!(f, " within {}", Number(tolerance)),
                    Proportion::Starting { ready } => write!(f, ", only {ready} ready so far"),
                }
            }
            Self::Between { least, most } => write!(f, "{least} to {most}"),
            Self::Proposal(proposal) => proposal.fmt(f),
            Self::Activity(cause) => cause.fmt(f),
            Self::Demand { shares, demand, capacity, utilization } => {
                fmt_shares(f, shares, *demand)?;
                if *utilization < 1.0 {
                    write!(f, ", {} of", Number(capacity * utilization))?;
                } else {
                    f.write_str(",")?;
                }
                write!(f, " {} a replica", Number(*capacity))
            }
            Self::Spread { pods, metric, value, target, weight, weights } => {
                write!(f, "{pods} pods for ")?;
                if let Some(metric) = metric {
                    write!(f, "{metric} ")?;
                }
                write!(
                    f,
                    "{}/{}, weight {} of {}",
                    Number(*value),
                    Number(*target),
                    Number(*weight),
                    Number(*weights)
                )
            }
            Self::Weights { caller, need, caller_weight, weight } => {
                let (caller_weight, weight) = (Number(*caller_weight), Number(*weight));
                write!(f, "as {caller}: {need} for weight {caller_weight}, here weight {weight}")
            }
        }
    }
}

/// Parts of a demand that are named; the others are counted.
const NAMED_SHARES: usize = 3;

/// `webui 500`, `webui 500 × 1.2 = 600`, or the greatest of several: `webui 500 × 1.2 + shop 50 = 650`.
fn fmt_shares(f: &mut fmt::Formatter<'_>, shares: &[DemandShare], demand: f64) -> fmt::Result {
    let mut shares: Vec<&DemandShare> = shares.iter().collect();
    shares.sort_by(|one, other| other.demand().total_cmp(&one.demand()));
    for (place, share) in shares.iter().take(NAMED_SHARES).enumerate() {
        let plus = if place > 0 { " + " } else { "" };
        write!(f, "{plus}{} {}", share.name, Number(share.value))?;
        if share.calls != 1.0 {
            write!(f, " × {}", Number(share.calls))?;
        }
    }
    if shares.len() > NAMED_SHARES {
        write!(f, " + {} more", shares.len() - NAMED_SHARES)?;
    }
    let is_plain = matches!(shares[..], [share] if share.calls == 1.0);
    if is_plain { Ok(()) } else { write!(f, " = {}", Number(demand)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_says_how_it_counts() {
        let ratio = |by| Basis::Ratio { metric: Some("latency".to_owned()), value: 1.5, target: 1.0, by };
        let cases = [
            (Proportion::Shared, "latency 1.5/1"),
            (Proportion::EachOf(4), "latency 1.5/1 × 4 ready"),
            (Proportion::Within { tolerance: 0.1 }, "latency 1.5/1 within 0.1"),
            (Proportion::Starting { ready: 1 }, "latency 1.5/1, only 1 ready so far"),
        ];
        for (by, text) in cases {
            assert_eq!(ratio(by).to_string(), text);
        }
    }

    fn share(name: &str, value: f64, calls: f64) -> DemandShare {
        DemandShare { name: name.to_owned(), value, calls }
    }

    #[test]
    fn a_demand_reports_its_path() {
        let cases = [
            (vec![share("requests", 500.0, 1.0)], 500.0, 1.0, "requests 500, 100 a replica"),
            (vec![share("webui", 500.0, 1.2)], 600.0, 1.0, "webui 500 × 1.2 = 600, 100 a replica"),
            (vec![share("webui", 500.0, 1.0)], 500.0, 0.8, "webui 500, 80 of 100 a replica"),
            (
                vec![share("a", 1.0, 1.0), share("b", 2.0, 3.0), share("c", 5.0, 1.0), share("d", 0.5, 1.0)],
                12.5,
                1.0,
                "b 2 × 3 + c 5 + a 1 + 1 more = 12.5, 100 a replica",
            ),
            (
                vec![share("a", 1.0, 1.0), share("b", 2.0, 3.0), share("c", 5.0, 1.0)],
                12.0,
                1.0,
                "b 2 × 3 + c 5 + a 1 = 12, 100 a replica",
            ),
        ];
        for (shares, demand, utilization, text) in cases {
            let basis = Basis::Demand { shares, demand, capacity: 100.0, utilization };
            assert_eq!(basis.to_string(), text);
        }
    }

    #[test]
    fn weights_name_the_caller() {
        let basis = Basis::Weights { caller: "webui".to_owned(), need: 6, caller_weight: 2.0, weight: 0.5 };
        assert_eq!(basis.to_string(), "as webui: 6 for weight 2, here weight 0.5");
    }
}
