//! Outages: objects that are not ready, by what they have in common. The log has a line for each cause, with how many
//! objects it concerns, a reminder at growing pauses, and a line when it is over: a server that is down for an hour is
//! a handful of lines, however many objects rest on it.

mod cause;

use std::collections::HashMap;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::Time;

pub use cause::Cause;

use crate::ObjectKey;

/// The first reminder comes so long after the first line; each later one after twice the pause before it.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Objects are gathered for a little more than one of their intervals before the first line, so that it has them all:
/// at least and at most so long.
const GATHER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// What is known of outages is kept so long without leading: who leads again sooner goes on with them.
const KEPT: Duration = Duration::from_secs(600);
/// Objects that a line names.
const NAMED: usize = 3;

/// The outages that there are.
#[derive(Default)]
pub struct Outages(Mutex<State>);

#[derive(Default)]
struct State {
    outages: HashMap<Cause, Outage>,
    /// When the next line is due, or earlier.
    next: Option<Time>,
    /// Since when this replica does not lead, where there were outages then.
    suspended: Option<Time>,
}

/// One object as an outage meets it.
pub(crate) struct Failing<'a> {
    pub(crate) cause: Cause,
    /// Why, in a sentence.
    pub(crate) why: &'a str,
    /// How often the object is polled; `None` where it is not.
    pub(crate) interval: Option<Duration>,
}

/// Objects that fail for one cause.
struct Outage {
    since: Time,
    /// Every object that it concerned, and whether it still does.
    objects: BTreeMap<ObjectKey, bool>,
    /// How many of them it still concerns.
    failing: usize,
    /// How many of them no line has counted yet.
    unreported: usize,
    /// The words of the object that failed last.
    why: String,
    gather: Duration,
    /// When the last line was written, where one was.
    reported: Option<Time>,
    /// The pause until the next reminder.
    pause: Duration,
    /// When this replica led again, where it had lost the lease in between: objects are met again from then on.
    resumed: Option<Time>,
    due: Time,
}

/// What a line of the log says.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    cause: Cause,
    says: Says,
    /// Objects that fail now; at the end, all that it concerned.
    objects: usize,
    /// The first of their names.
    names: String,
    /// How long it has lasted, or did.
    lasts: Duration,
    why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Begins,
    Goes,
    Ends,
}

impl Outages {
    /// Notes that an object fails now, or no longer where `now` is `None`; `before` is the cause for which it was noted
    /// last.
    pub(crate) fn note(
        &self,
        key: &ObjectKey,
        before: &mut Option<Cause>,
        now: Option<Failing<'_>>,
        at: Time,
    ) {
        if now.is_none() && before.is_none() {
            return;
        }
        let mut state = self.lock();
        let cause = now.as_ref().map(|failing| failing.cause.clone());
        if let Some(left) = before.take_if(|before| Some(&*before) != cause.as_ref()) {
            state.leave(key, &left, at);
        }
        if let Some(failing) = now {
            state.join(key, failing, at);
        }
        *before = cause;
    }

    /// An object is gone, or of no concern any more.
    pub(crate) fn forget(&self, key: &ObjectKey, before: &mut Option<Cause>, at: Time) {
        let Some(cause) = before.take() else { return };
        let mut state = self.lock();
        state.leave(key, &cause, at);
        if let Some(outage) = state.outages.get_mut(&cause) {
            outage.objects.remove(key);
        }
    }

    /// Writes the lines that are due at `now`. Returns when the next may be.
    pub(crate) fn report(&self, now: Time) -> Option<Time> {
        let mut state = self.lock();
        let lines = state.due(now);
        let next = state.next;
        drop(state);
        lines.iter().for_each(Line::write);
        next
    }

    /// Whether this replica leads changes at `now`. Who no longer does writes what no line has said yet, and no more; who
    /// leads again soon goes on with the outages that there were.
    pub(crate) fn lead(&self, leading: bool, now: Time) {
        let mut state = self.lock();
        if leading {
            return state.resume(now);
        }
        let lines = state.suspend(now);
        drop(state);
        lines.iter().for_each(Line::write);
    }

    /// Writes what no line has said yet: the program ends.
    pub(crate) fn end(&self, now: Time) {
        self.lead(false, now);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn join(&mut self, key: &ObjectKey, failing: Failing<'_>, at: Time) {
        let Failing { cause, why, interval } = failing;
        let gather = interval.map_or(GATHER.0, |interval| (interval * 5 / 4).clamp(GATHER.0, GATHER.1));
        let outage = self.outages.entry(cause).or_insert_with(|| Outage::new(at));
        outage.gather = outage.gather.max(gather);
        match outage.objects.entry(key.clone()) {
            Entry::Occupied(mut entry) => {
                if !std::mem::replace(entry.get_mut(), true) {
                    outage.failing += 1;
                }
            }
            Entry::Vacant(entry) => {
                entry.insert(true);
                outage.failing += 1;
                outage.unreported += 1;
                why.clone_into(&mut outage.why);
            }
        }
        outage.plan(at);
        self.next = self.next.min(Some(outage.due)).or(Some(outage.due));
    }

    fn leave(&mut self, key: &ObjectKey, cause: &Cause, at: Time) {
        let Some(outage) = self.outages.get_mut(cause) else { return };
        if outage.objects.get_mut(key).is_some_and(|fails| std::mem::replace(fails, false)) {
            outage.failing -= 1;
        }
        if outage.failing == 0 && outage.reported.is_some() {
            // An object that fails at every other poll is one outage and not many.
            outage.due = at.plus(outage.gather.saturating_mul(2));
            self.next = self.next.min(Some(outage.due)).or(Some(outage.due));
        }
    }

    fn suspend(&mut self, now: Time) -> Vec<Line> {
        self.outages.retain(|_, outage| !outage.objects.is_empty());
        let unsaid = self.outages.iter().filter(|(_, outage)| outage.reported.is_none());
        let lines = unsaid.map(|(cause, outage)| outage.line(cause, Says::Begins, now)).collect();
        for outage in self.outages.values_mut() {
            outage.objects.values_mut().for_each(|fails| *fails = false);
            (outage.failing, outage.unreported) = (0, 0);
            outage.reported.get_or_insert(now);
        }
        self.next = None;
        if !self.outages.is_empty() {
            self.suspended.get_or_insert(now);
        }
        lines
    }

    fn resume(&mut self, now: Time) {
        let suspended = self.suspended.take();
        if suspended.is_some_and(|since| now.since(since) > KEPT) {
            self.outages.clear();
        }
        for outage in self.outages.values_mut() {
            // Where no object fails any more, that is said then.
            (outage.resumed, outage.due) = (Some(now), now.plus(outage.gather.saturating_mul(2)));
        }
        self.next = self.outages.values().map(|outage| outage.due).min();
    }

    fn due(&mut self, now: Time) -> Vec<Line> {
        if self.next.is_none_or(|next| now < next) {
            return Vec::new();
        }
        let mut lines = Vec::new();
        self.outages.retain(|cause, outage| {
            if now < outage.due {
                return true;
            }
            if outage.objects.is_empty() {
                // They are gone, which was said of each.
                return false;
            }
            let says = outage.says();
            lines.push(outage.line(cause, says, now));
            outage.said(now);
            says != Says::Ends
        });
        lines.sort_by(|one, other| (other.objects, &one.cause.place).cmp(&(one.objects, &other.cause.place)));
        self.next = self.outages.values().map(|outage| outage.due).min();
        lines
    }
}

impl Outage {
    fn new(at: Time) -> Self {
        Self {
            since: at,
            objects: BTreeMap::new(),
            failing: 0,
            unreported: 0,
            why: String::new(),
            gather: Duration::ZERO,
            reported: None,
            pause: FIRST_PAUSE,
            resumed: None,
            due: at,
        }
    }

    /// Sets when the next line is due, while objects fail.
    fn plan(&mut self, now: Time) {
        self.due = match self.reported {
            None => self.since.plus(self.gather),
            // More objects are news, but no line each.
            Some(reported) if self.unreported > 0 => {
                self.due.min(reported.plus(self.pause.min(FIRST_PAUSE)).max(now.plus(self.gather)))
            }
            Some(reported) => {
                let gathered = self.resumed.map_or(reported, |resumed| resumed.plus(self.gather));
                reported.plus(self.pause).max(gathered)
            }
        };
    }

    fn says(&self) -> Says {
        match self.reported {
            None => Says::Begins,
            Some(_) if self.failing == 0 => Says::Ends,
            Some(_) => Says::Goes,
        }
    }

    /// Notes that a line was written.
    fn said(&mut self, now: Time) {
        if self.reported.is_some() {
            self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
        (self.reported, self.unreported) = (Some(now), 0);
        let pause = if self.failing == 0 { self.gather.saturating_mul(2) } else { self.pause };
        self.due = now.plus(pause);
    }

    fn line(&self, cause: &Cause, says: Says, now: Time) -> Line {
        // The first line and the last count all objects; a reminder those that still fail.
        let is_counted = |fails: bool| fails || says != Says::Goes;
        let counted = self.objects.iter().filter(|(_, fails)| is_counted(**fails));
        let mut names: Vec<String> = counted.clone().take(NAMED).map(|(key, _)| key.to_string()).collect();
        let objects = counted.count();
        if objects > NAMED {
            names.push(format!("{} more", objects - NAMED));
        }
        let (names, lasts) = (names.join(", "), now.since(self.since));
        Line { cause: cause.clone(), says, objects, names, lasts, why: self.why.clone() }
    }
}

impl Line {
    fn write(&self) {
        let Self { cause: Cause { reason, place }, says, objects, names, lasts, why } = self;
        let seconds = lasts.as_secs();
        match says {
            Says::Begins => tracing::warn!(%reason, place, objects, names, why, "not ready"),
            Says::Goes => tracing::warn!(%reason, place, objects, names, seconds, why, "still not ready"),
            Says::Ends => tracing::info!(%reason, place, objects, names, seconds, "ready again"),
        }
    }
}

#[cfg(test)]
mod tests;
