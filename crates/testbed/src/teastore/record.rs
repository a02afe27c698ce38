//! What became of an application under a load: how soon it was satisfied, in how many actions, at
//! what price. Pure: worked out from moments that were seen.

use std::time::Duration;

use super::{COUNT, SERVICES, demands, traffic};

/// The application at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Since the record began.
    pub at: Duration,
    /// Calls a second at the entry.
    pub entry: f64,
    /// Replicas asked for, in the order of [`SERVICES`].
    pub replicas: [u32; COUNT],
    /// Pods that are ready.
    pub ready: [u32; COUNT],
}

/// What came of a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// From the beginning of the span until every service could bear its demand from then on;
    /// `None` where one still could not at the end.
    pub satisfied_after: Option<Duration>,
    /// Scale actions: changes within one interval count as one, whatever services they are of.
    pub actions: u32,
    /// Changes of direction: a service that was scaled in after it was scaled out, or the reverse.
    pub turns: u32,
    /// Replicas asked for over time.
    pub pod_hours: f64,
    /// Calls that the load meant for all services together, less those that were served.
    pub lost: f64,
}

/// Moments in the order of time.
#[derive(Clone, Debug)]
pub struct Record {
    interval: Duration,
    moments: Vec<Moment>,
}

/// One service's replicas changed.
#[derive(Clone, Copy, Debug)]
struct Change {
    at: Duration,
    service: usize,
    is_out: bool,
}

impl Moment {
    /// Whether every service can bear what the load means for it.
    #[must_use]
    pub fn is_satisfied(&self) -> bool {
        let needs = SERVICES.iter().zip(demands(self.entry)).map(|(service, demand)| service.need(demand));
        needs.zip(self.ready).all(|(need, ready)| ready >= need)
    }

    /// Calls a second that are not served though the load means them.
    fn loss(&self) -> f64 {
        let served = traffic(self.entry, &self.ready).map(|traffic| traffic.served);
        demands(self.entry).iter().zip(served).map(|(demand, served)| demand - served).sum()
    }
}

impl Record {
    /// An empty one, of scalers that poll in this interval.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval, moments: Vec::new() }
    }

    /// Adds what was seen last.
    pub fn push(&mut self, moment: Moment) {
        self.moments.push(moment);
    }

    /// The moment that was seen last.
    #[must_use]
    pub fn last(&self) -> Option<&Moment> {
        self.moments.last()
    }

    /// What came of the span from `from` to `to`.
    #[must_use]
    pub fn figures(&self, from: Duration, to: Duration) -> Figures {
        let mut figures = Figures { satisfied_after: self.satisfied_after(from, to), ..Figures::default() };
        let ends = self.moments.iter().skip(1).map(|next| next.at).chain([to]);
        for (moment, end) in self.moments.iter().zip(ends) {
            let seconds = end.min(to).saturating_sub(moment.at.max(from)).as_secs_f64();
            figures.pod_hours += f64::from(moment.replicas.iter().sum::<u32>()) * seconds / 3600.0;
            figures.lost += moment.loss() * seconds;
        }
        let mut round: Option<Duration> = None;
        let mut direction = [None; COUNT];
        for Change { at, service, is_out } in self.changes() {
            let has_turned = direction[service].replace(is_out).is_some_and(|before| before != is_out);
            if at <= from || at > to {
                continue;
            }
            figures.turns += u32::from(has_turned);
            if round.is_none_or(|begun| at - begun >= self.interval) {
                round = Some(at);
                figures.actions += 1;
            }
        }
        figures
    }

    fn satisfied_after(&self, from: Duration, to: Duration) -> Option<Duration> {
        let mut since = None;
        for moment in self.moments.iter().filter(|moment| (from..to).contains(&moment.at)) {
            since = moment.is_satisfied().then(|| since.unwrap_or(moment.at));
        }
        since.map(|since| since - from)
    }

    fn changes(&self) -> impl Iterator<Item = Change> {
        self.moments.windows(2).flat_map(|pair| {
            let (before, after) = (pair[0].replicas, pair[1]);
            (0..COUNT).filter(move |&service| before[service] != after.replicas[service]).map(
                move |service| Change {
                    at: after.at,
                    service,
                    is_out: after.replicas[service] > before[service],
                },
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);
    /// What a load of 500 a second needs.
    const ENOUGH: [u32; COUNT] = [5, 3, 7, 4, 5, 5, 2];
    const FEW: [u32; COUNT] = [1, 1, 2, 1, 1, 1, 1];

    fn second(count: f64) -> Duration {
        Duration::from_secs_f64(count)
    }

    fn record(moments: &[(f64, f64, [u32; COUNT], [u32; COUNT])]) -> Record {
        let mut record = Record::new(INTERVAL);
        for &(at, entry, replicas, ready) in moments {
            record.push(Moment { at: second(at), entry, replicas, ready });
        }
        record
    }

    fn with(mut replicas: [u32; COUNT], changes: &[(usize, u32)]) -> [u32; COUNT] {
        for &(service, count) in changes {
            replicas[service] = count;
        }
        replicas
    }

    #[test]
    fn needs_are_met_exactly_by_enough() {
        let moment = |ready| Moment { at: Duration::ZERO, entry: 500.0, replicas: ready, ready };
        assert!(moment(ENOUGH).is_satisfied());
        for (service, enough) in ENOUGH.into_iter().enumerate() {
            let one_less = with(ENOUGH, &[(service, enough - 1)]);
            assert!(!moment(one_less).is_satisfied(), "{service}");
            assert!(moment(one_less).loss() > 0.0, "{service}");
        }
        assert!(moment(ENOUGH).loss().abs() < 1e-6);
    }

    #[test]
    fn a_group_is_satisfied_when_its_last_member_is_ready_and_stays_so() {
        let late = with(ENOUGH, &[(3, 1)]);
        let record = record(&[
            (0.0, 500.0, FEW, FEW),
            (2.0, 500.0, ENOUGH, FEW),
            (10.0, 500.0, ENOUGH, late),
            (20.0, 500.0, ENOUGH, ENOUGH),
            (21.0, 500.0, ENOUGH, late),
            (32.0, 500.0, ENOUGH, ENOUGH),
            (40.0, 800.0, ENOUGH, ENOUGH),
        ]);
        assert_eq!(record.figures(second(0.0), second(40.0)).satisfied_after, Some(second(32.0)));
        assert_eq!(record.figures(second(10.0), second(30.0)).satisfied_after, None);
        assert_eq!(record.figures(second(0.0), second(50.0)).satisfied_after, None);
        assert_eq!(record.figures(second(60.0), second(70.0)).satisfied_after, None, "nothing was seen");
    }

    #[test]
    fn changes_within_one_interval_are_one_action() {
        let steps = [(0, 5), (1, 3), (2, 7), (3, 4)];
        let moment = |at, upto| (at, 500.0, with(FEW, &steps[..upto]), FEW);
        let record = record(&[
            moment(0.0, 0),
            moment(1.0, 1),
            moment(5.9, 2),
            moment(6.0, 3),
            moment(30.0, 3),
            moment(31.0, 4),
        ]);
        assert_eq!(record.figures(second(0.0), second(40.0)).actions, 3);
        assert_eq!(record.figures(second(1.0), second(30.0)).actions, 1, "the span is open at its beginning");
        assert_eq!(record.figures(second(0.0), second(40.0)).turns, 0);
    }

    #[test]
    fn a_turn_belongs_to_the_span_in_which_it_happens() {
        let db = |at, count| (at, 500.0, with(FEW, &[(5, count)]), FEW);
        let record = record(&[db(0.0, 1), db(10.0, 4), db(20.0, 2), db(30.0, 1), db(40.0, 3)]);
        assert_eq!(record.figures(second(0.0), second(50.0)).turns, 2);
        assert_eq!(record.figures(second(15.0), second(25.0)).turns, 1);
        assert_eq!(record.figures(second(25.0), second(35.0)).turns, 0);
    }

    #[test]
    fn pods_cost_from_when_they_are_asked_for_and_calls_are_lost_until_they_are_ready() {
        let record = record(&[(0.0, 500.0, ENOUGH, FEW), (36.0, 500.0, ENOUGH, ENOUGH)]);
        let figures = record.figures(second(0.0), second(72.0));
        let pods: u32 = ENOUGH.iter().sum();
        assert!((figures.pod_hours - f64::from(pods) * 0.02).abs() < 1e-9, "{figures:?}");
        let all: f64 = demands(500.0).iter().sum();
        let served: f64 = traffic(500.0, &FEW).iter().map(|traffic| traffic.served).sum();
        assert!((figures.lost - (all - served) * 36.0).abs() < 1e-6, "{figures:?}");
        let later = record.figures(second(35.0), second(37.0));
        assert!((later.lost - (all - served)).abs() < 1e-6, "{later:?}");
    }
}
