//! A ScaledObject: KEDA's loop between 0 and the minimum, and the HPA that it makes.

use engine::{AbsentMetric, Time};

use super::{Contender, Order, Planned, Seen};
use crate::KedaLoop;
use crate::workload::Signal;

/// KEDA's loop, and its HPA.
pub struct Keda {
    hpa: Planned,
    signals: Vec<Signal>,
    /// Place of the member in the world.
    member: usize,
    settings: KedaLoop,
    last_active: Option<Time>,
    next_poll: Time,
}

impl Keda {
    /// A loop over `signals`, one a metric, beside `hpa`, from `start` on.
    pub fn new(hpa: Planned, signals: Vec<Signal>, member: usize, settings: KedaLoop, start: Time) -> Self {
        Self { hpa, signals, member, settings, last_active: None, next_poll: start }
    }

    /// One round of the loop.
    fn poll(&mut self, seen: &Seen<'_>, orders: &mut Vec<Order>) {
        let (now, KedaLoop { bounds, cooldown, sleeps, .. }) = (seen.now(), &self.settings);
        self.next_poll = now.plus(self.settings.polling_interval);
        let replicas = seen.scale(self.member).replicas;
        let mut metrics = self.signals.iter().zip(&self.settings.activations);
        let active = metrics.find_map(|(signal, activation)| {
            let activation = (*activation)?;
            seen.value(*signal).filter(|value| *value > activation).map(|_| activation)
        });
        let wanted = if active.is_some() {
            self.last_active = Some(now);
            if replicas == 0 { bounds.min().max(1) } else { replicas }
        } else {
            let is_over = self.last_active.is_none_or(|last| now.since(last) > *cooldown);
            if *sleeps && is_over { 0 } else { replicas }
        };
        if wanted != replicas {
            let why = match active {
                Some(activation) => format!("a metric is above {activation}"),
                None => "no metric is active".to_owned(),
            };
            let explained = || vec![format!("keda {replicas}→{wanted} ({why})")];
            let steps = if seen.explains() { explained() } else { Vec::new() };
            orders.push(Order { member: self.member, to: wanted, steps });
        }
    }
}

impl Contender for Keda {
    fn due(&self) -> Time {
        self.next_poll.min(self.hpa.due())
    }

    fn look(&mut self, seen: &Seen<'_>, orders: &mut Vec<Order>) {
        let before = orders.len();
        if self.next_poll <= seen.now() {
            self.poll(seen, orders);
        }
        if self.hpa.due() > seen.now() {
            return;
        }
        // An HPA leaves a target at 0 alone, and sees what the loop has just changed at its next sync.
        if orders.len() > before || seen.scale(self.member).replicas == 0 {
            self.hpa.skip(seen.now());
        } else {
            self.hpa.look(seen, orders);
        }
    }

    fn never_read(&self) -> Vec<AbsentMetric> {
        self.hpa.never_read()
    }
}
