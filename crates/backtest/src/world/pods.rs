//! The replicas of one member on their way from being asked for to being gone.

use std::collections::VecDeque;

use engine::Time;

use crate::workload::Service;

/// Replicas of one member.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pods {
    ready: u32,
    /// When how many become ready, the first first.
    starting: VecDeque<(Time, u32)>,
    started: u32,
    /// Until when how many that were removed are paid for.
    stopping: VecDeque<(Time, u32)>,
    stopped: u32,
    /// Replicas that were ever started: each has its own start-up time.
    born: u64,
}

impl Pods {
    pub(crate) fn ready_from_the_begin(ready: u32) -> Self {
        Self { ready, ..Self::default() }
    }

    pub(crate) fn ready(&self) -> u32 {
        self.ready
    }

    /// Those that exist: ready or starting.
    pub(crate) fn existing(&self) -> u32 {
        self.ready + self.started
    }

    /// Those that are paid for.
    pub(crate) fn paid(&self) -> u64 {
        u64::from(self.ready) + u64::from(self.started) + u64::from(self.stopped)
    }

    /// When the next of them becomes ready or is gone.
    pub(crate) fn next_event(&self) -> Option<Time> {
        let next = |pods: &VecDeque<(Time, u32)>| pods.front().map(|(at, _)| *at);
        match (next(&self.starting), next(&self.stopping)) {
            (Some(ready), Some(gone)) => Some(ready.min(gone)),
            (ready, gone) => ready.or(gone),
        }
    }

    /// Lets everything happen that is due at `now`.
    pub(crate) fn settle(&mut self, now: Time) {
        while self.starting.front().is_some_and(|(at, _)| *at <= now) {
            let (_, count) = self.starting.pop_front().unwrap_or_default();
            self.started -= count;
            self.ready += count;
        }
        while self.stopping.front().is_some_and(|(at, _)| *at <= now) {
            let (_, count) = self.stopping.pop_front().unwrap_or_default();
            self.stopped -= count;
        }
    }

    /// Starts or removes replicas until `wanted` exist. Those that start are removed first, the last of them before
    /// the others, as a ReplicaSet does.
    pub(crate) fn scale(&mut self, wanted: u32, now: Time, service: &Service) {
        let existing = self.existing();
        if wanted > existing {
            self.start(wanted - existing, now, service);
        } else if wanted < existing {
            self.remove(existing - wanted, now, service);
        }
        self.settle(now);
    }

    fn start(&mut self, count: u32, now: Time, service: &Service) {
        self.started += count;
        if let Some(startup) = service.startup.fixed() {
            self.born += u64::from(count);
            self.put(now.plus(startup), count);
            return;
        }
        for _ in 0..count {
            let startup = service.startup.of(self.born);
            self.born += 1;
            self.put(now.plus(startup), 1);
        }
    }

    fn put(&mut self, ready: Time, count: u32) {
        match self.starting.binary_search_by_key(&ready, |(at, _)| *at) {
            Ok(place) => self.starting[place].1 += count,
            Err(place) => self.starting.insert(place, (ready, count)),
        }
    }

    fn remove(&mut self, mut count: u32, now: Time, service: &Service) {
        let removed = count;
        while count > 0 {
            let Some((_, starting)) = self.starting.back_mut() else { break };
            let some = count.min(*starting);
            *starting -= some;
            count -= some;
            self.started -= some;
            if *starting == 0 {
                self.starting.pop_back();
            }
        }
        self.ready -= count;
        if !service.graceful_stop.is_zero() {
            self.stopped += removed;
            self.stopping.push_back((now.plus(service.graceful_stop), removed));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::workload::tests::service;

    fn at(second: i64) -> Time {
        Time::from_seconds(second)
    }

    #[test]
    fn replicas_start_serve_and_stop() {
        let service = Service { graceful_stop: Duration::from_secs(10), ..service() };
        let mut pods = Pods::ready_from_the_begin(2);
        pods.scale(5, at(0), &service);
        assert_eq!((pods.ready(), pods.existing(), pods.paid(), pods.next_event()), (2, 5, 5, Some(at(30))));
        pods.scale(4, at(10), &service);
        assert_eq!(
            (pods.ready(), pods.existing(), pods.paid()),
            (2, 4, 5),
            "one that starts is removed first"
        );
        pods.settle(at(30));
        assert_eq!((pods.ready(), pods.existing(), pods.paid()), (4, 4, 4));
        pods.scale(1, at(40), &service);
        assert_eq!((pods.ready(), pods.paid(), pods.next_event()), (1, 4, Some(at(50))));
        pods.settle(at(50));
        assert_eq!((pods.paid(), pods.next_event()), (1, None));
    }

    #[test]
    fn drawn_start_up_times_come_in_order() {
        let drawn = "uniform: {min: 10s, max: 50s}";
        let startup = crate::workload::Startup::new(serde_saphyr::from_str(drawn).unwrap(), 1);
        let service = Service { startup, ..service() };
        let mut pods = Pods::default();
        pods.scale(20, at(0), &service);
        let (mut seen, mut last) = (Vec::new(), at(0));
        while let Some(next) = pods.next_event() {
            assert!(next > last);
            pods.settle(next);
            seen.push(pods.ready());
            last = next;
        }
        assert_eq!((pods.ready(), last <= at(50)), (20, true));
        assert!(seen.len() > 10, "{seen:?}");
    }
}
