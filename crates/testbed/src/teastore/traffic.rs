//! What a load at the entry does to every service. Pure.
//!
//! A service makes calls for what it serves and not for what it turns away. One that is saturated
//! so hides the demand of those below it until it has more pods: then they are the next ones to
//! be saturated.

use super::{CALLS, COUNT, SERVICES};

/// What one service gets and does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Calls a second that arrive.
    pub arriving: f64,
    /// Calls a second that its ready pods serve.
    pub served: f64,
}

/// The traffic of every service, with `entry` calls per second at the first one and so many `ready`
/// pods at each, in the order of [`SERVICES`].
#[must_use]
pub fn traffic(entry: f64, ready: &[u32; COUNT]) -> [Traffic; COUNT] {
    let capacities = std::array::from_fn(|place| f64::from(ready[place]) * SERVICES[place].capacity);
    carried(entry, &capacities)
}

/// Calls a second that `entry` at the first service means for every service, if all of them
/// serve whatever arrives.
#[must_use]
pub fn demands(entry: f64) -> [f64; COUNT] {
    carried(entry, &[f64::INFINITY; COUNT]).map(|traffic| traffic.arriving)
}

fn carried(entry: f64, capacities: &[f64; COUNT]) -> [Traffic; COUNT] {
    let mut carried = [Traffic::default(); COUNT];
    carried[0].arriving = entry.max(0.0);
    for (place, service) in SERVICES.iter().enumerate() {
        let served = carried[place].arriving.min(capacities[place]);
        carried[place].served = served;
        for call in CALLS.iter().filter(|call| call.from == service.name) {
            let called = SERVICES.iter().position(|service| service.name == call.to);
            if let Some(called) = called {
                carried[called].arriving += served * call.calls_per_call;
            }
        }
    }
    carried
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLENTY: [u32; COUNT] = [100; COUNT];

    fn place(name: &str) -> usize {
        SERVICES.iter().position(|service| service.name == name).unwrap()
    }

    #[test]
    fn every_call_is_between_two_services_and_leads_onwards() {
        for call in CALLS {
            assert!(place(call.from) < place(call.to), "{call:?}");
        }
        assert!((1..COUNT).all(|to| CALLS.iter().any(|call| place(call.to) == to)), "one entry");
    }

    #[test]
    fn demand_is_carried_along_the_calls() {
        let demands = demands(500.0).map(f64::round);
        // persistence: 500 × 0.7 + 450 × 0.3 + 800 × 0.2 + 200 × 0.5
        let expected = [500.0, 450.0, 800.0, 200.0, 745.0, 1043.0, 75.0];
        assert_eq!(demands, expected);
        assert_eq!(super::demands(-1.0), [0.0; COUNT]);
    }

    #[test]
    fn with_enough_pods_all_demand_arrives_and_is_served() {
        let demands = demands(730.0);
        for (traffic, demand) in traffic(730.0, &PLENTY).iter().zip(demands) {
            assert_eq!((traffic.arriving, traffic.served), (demand, demand));
        }
    }

    #[test]
    fn a_saturated_service_hides_the_demand_below_it() {
        let mut ready = PLENTY;
        ready[place("webui")] = 1;
        let hidden = traffic(500.0, &ready);
        assert_eq!(hidden[0], Traffic { arriving: 500.0, served: 100.0 });
        let expected = demands(100.0);
        assert!((1..COUNT).all(|place| hidden[place].arriving == expected[place]), "{hidden:?}");
        // Once the entry has pods, the next one is the bottleneck.
        ready[place("webui")] = 5;
        ready[place("persistence")] = 1;
        let shifted = traffic(500.0, &ready);
        assert!(shifted[place("persistence")].arriving > 740.0);
        assert_eq!(shifted[place("db")].arriving, 160.0 * 1.4);
    }

    #[test]
    fn without_pods_nothing_is_served() {
        let none = traffic(500.0, &[0; COUNT]);
        assert_eq!(none[0], Traffic { arriving: 500.0, served: 0.0 });
        assert!(none[1..].iter().all(|traffic| *traffic == Traffic::default()));
    }

    #[test]
    fn a_need_is_whole_pods() {
        let webui = SERVICES[0];
        assert_eq!([0.0, 100.0, 100.1, 500.0].map(|calls| webui.need(calls)), [1, 1, 2, 5]);
        // Sums that come to 100 but for a rounding error.
        assert_eq!(webui.need(100.000_000_01), 1);
    }
}
