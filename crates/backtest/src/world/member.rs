//! One member in the replay: its replicas, its queue, and what users notice of both.

use super::pods::Pods;
use crate::workload::{Service, Slo, Workload, latency};

/// What one member is like at a moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) pods: Pods,
    /// Replicas that were last asked for.
    pub(crate) wanted: u32,
    /// Whether the last change asked for more.
    pub(crate) last_was_out: Option<bool>,
    /// What waits, in the load's unit.
    pub(crate) backlog: f64,
    /// What was served in the last stretch of time, in the load's unit.
    pub(crate) served: f64,
    /// What the last stretch of time was like; `None` before the first.
    pub(crate) measured: Option<Measured>,
}

/// What was measured at one member in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Measured {
    /// Replicas that served.
    pub(crate) ready: u32,
    /// The demand that reached it.
    pub(crate) arrivals: f64,
    /// The share of what its ready replicas bear that was in use; 1 where none is ready and something waits.
    pub(crate) utilization: f64,
    /// The latency in seconds, as the SLO's percentile has it.
    pub(crate) latency: f64,
    /// Whether the SLO was broken.
    pub(crate) violated: bool,
}

/// Latencies are no longer than this: an infinity would be no reading.
const LONGEST_LATENCY: f64 = 3600.0;

impl Member {
    pub(crate) fn new(replicas: u32) -> Self {
        Self {
            pods: Pods::ready_from_the_begin(replicas),
            wanted: replicas,
            last_was_out: None,
            backlog: 0.0,
            served: 0.0,
            measured: None,
        }
    }

    /// Lets `seconds` go by in which demand of `arrivals` comes.
    pub(crate) fn pass(&mut self, service: &Service, workload: &Workload, arrivals: f64, seconds: f64) {
        let ready = self.pods.ready();
        let bears = f64::from(ready) * service.capacity;
        // The load is counted in a time of its own, so what comes in a second is less.
        let units = seconds / workload.per;
        let (came, most) = (arrivals * units, bears * units);
        let before = self.backlog;
        let waiting = before + came;
        let served = waiting.min(most);
        let left = waiting - served;
        self.backlog = if service.drops { 0.0 } else { left.min(service.queue_limit) };
        let dropped = left - self.backlog;
        self.served = if units > 0.0 { served / units } else { 0.0 };
        let utilization = if most > 0.0 { served / most } else { f64::from(u8::from(waiting > 0.0)) };
        let latency = self.latency(service, workload, arrivals, bears);
        let violated = dropped > 0.0
            || match workload.slo {
                // What waits is served with all there is.
                Slo::Utilization(share) => {
                    left > 0.0 || utilization > share * (1.0 + 1e-9) || (bears <= 0.0 && arrivals > 0.0)
                }
                Slo::Latency { seconds, .. } => latency > seconds,
                Slo::BacklogAge(seconds) => self.age(bears, workload.per) > seconds,
            };
        self.measured = Some(Measured { ready, arrivals, utilization, latency, violated });
    }

    /// Seconds until what waits now is served.
    fn age(&self, bears: f64, per: f64) -> f64 {
        if self.backlog <= 0.0 {
            0.0
        } else if bears <= 0.0 {
            LONGEST_LATENCY
        } else {
            (self.backlog / bears * per).min(LONGEST_LATENCY)
        }
    }

    fn latency(&self, service: &Service, workload: &Workload, arrivals: f64, bears: f64) -> f64 {
        let Slo::Latency { percentile, .. } = workload.slo else {
            return (service.service_time + self.age(bears, workload.per)).min(LONGEST_LATENCY);
        };
        if self.backlog > 0.0 {
            return (service.service_time + self.age(bears, workload.per)).min(LONGEST_LATENCY);
        }
        let station = service.station(self.pods.ready(), workload.variability);
        latency(station, arrivals / workload.per, percentile).min(LONGEST_LATENCY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::tests::{service, workload};

    fn passed(slo: Slo, drops: bool, replicas: u32, arrivals: &[f64]) -> Member {
        let service = Service { drops, ..service() };
        let workload = crate::workload::Workload { slo, ..workload() };
        let mut member = Member::new(replicas);
        for arrivals in arrivals {
            member.pass(&service, &workload, *arrivals, 10.0);
        }
        member
    }

    #[test]
    fn what_cannot_be_served_waits_and_is_served_later() {
        let slo = Slo::BacklogAge(5.0);
        let member = passed(slo, false, 2, &[300.0]);
        assert_eq!((member.backlog, member.served), (1000.0, 200.0));
        assert!(!member.measured.unwrap().violated, "it waits for 5 s, which the SLO allows");
        let member = passed(slo, false, 2, &[300.0, 300.0]);
        assert!(member.backlog == 2000.0 && member.measured.unwrap().violated);
        let member = passed(slo, false, 2, &[300.0, 0.0]);
        assert_eq!((member.backlog, member.served), (0.0, 100.0));
        let member = passed(slo, false, 0, &[1.0]);
        assert!(member.measured.unwrap().violated, "nobody is there to serve it");
    }

    #[test]
    fn what_fails_at_once_does_not_wait() {
        let member = passed(Slo::Utilization(1.0), true, 2, &[300.0]);
        assert!(member.backlog == 0.0 && member.measured.unwrap().violated);
        let member = passed(Slo::Utilization(1.0), true, 2, &[300.0, 200.0]);
        assert!(!member.measured.unwrap().violated, "all that is in use is not too much");
        let member = passed(Slo::Utilization(0.8), true, 2, &[170.0]);
        assert!(member.measured.unwrap().violated);
        let member = passed(Slo::Utilization(1.0), true, 0, &[0.0]);
        assert!(!member.measured.unwrap().violated, "nothing is asked of nobody");
    }

    #[test]
    fn latency_grows_before_all_is_in_use() {
        let slo = Slo::Latency { seconds: 0.05, percentile: 0.95 };
        assert!(!passed(slo, true, 2, &[100.0]).measured.unwrap().violated);
        assert!(passed(slo, true, 2, &[198.0]).measured.unwrap().violated);
    }
}
