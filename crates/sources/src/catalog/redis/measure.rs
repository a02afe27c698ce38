//! What is counted, and the commands that ask for it.

use std::sync::atomic::{AtomicU8, Ordering};

use redis::{Cmd, cmd};

/// Most bytes of a key's value that are read: no number is longer.
pub(super) const MAX_NUMBER: usize = 64;

/// One number that Redis can report.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Measure {
    /// The length of a list.
    List { key: String },
    /// The members of a sorted set; only those with a score within the bounds, where there are some.
    SortedSet { key: String, min: Option<f64>, max: Option<f64> },
    /// The number that a key holds.
    Number { key: String },
    /// The members of a list, a set, a hash or a sorted set, whichever the key is.
    Collection { key: String, seen: Seen },
    /// The entries of a stream, read by a group or not.
    Stream { key: String },
    /// What a consumer group has not finished.
    Group { key: String, group: String, what: GroupMeasure, must_exist: bool },
}

/// What of a consumer group is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupMeasure {
    /// Entries that were delivered and not acknowledged.
    Pending,
    /// Entries that were not yet delivered.
    Lag,
    /// Both.
    Backlog,
}

/// What has members that can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    List,
    Set,
    Hash,
    SortedSet,
}

impl Kind {
    /// Each with its name in Redis and the command that counts.
    const ALL: [(Self, &[u8], &'static str); 4] = [
        (Self::List, b"list", "LLEN"),
        (Self::Set, b"set", "SCARD"),
        (Self::Hash, b"hash", "HLEN"),
        (Self::SortedSet, b"zset", "ZCARD"),
    ];

    /// By its name in Redis.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(kind, ..)| *kind)
    }
}

/// Of which kind a key was when it was last asked for. A command for another kind would be an error in the server's own
/// statistics, so it is sent only once.
#[derive(Debug, Default)]
pub(super) struct Seen(AtomicU8);

impl Seen {
    pub(super) fn kind(&self) -> Kind {
        let place = usize::from(self.0.load(Ordering::Relaxed));
        Kind::ALL.get(place).map_or(Kind::List, |(kind, ..)| *kind)
    }

    pub(super) fn note(&self, kind: Kind) {
        let place = Kind::ALL.iter().position(|(known, ..)| *known == kind).unwrap_or_default();
        self.0.store(place as u8, Ordering::Relaxed);
    }

    fn command(&self) -> &'static str {
        let place = usize::from(self.0.load(Ordering::Relaxed));
        Kind::ALL.get(place).map_or("LLEN", |(.., command)| command)
    }
}

impl Clone for Seen {
    fn clone(&self) -> Self {
        Self(AtomicU8::new(self.0.load(Ordering::Relaxed)))
    }
}

impl PartialEq for Seen {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Measure {
    /// The commands whose replies hold the number, the one that matters first. They only read.
    pub(super) fn commands(&self) -> Vec<Cmd> {
        let mut commands = vec![self.command()];
        if let Self::Group { key, .. } = self {
            let mut length = cmd("XLEN");
            length.arg(key);
            commands.push(length);
        }
        if let Self::Collection { key, seen } = self {
            let mut count = cmd(seen.command());
            count.arg(key);
            commands.push(count);
        }
        commands
    }

    fn command(&self) -> Cmd {
        let mut command;
        match self {
            Self::List { key } => {
                command = cmd("LLEN");
                command.arg(key);
            }
            Self::SortedSet { key, min: None, max: None } => {
                command = cmd("ZCARD");
                command.arg(key);
            }
            Self::SortedSet { key, min, max } => {
                command = cmd("ZCOUNT");
                command.arg(key);
                command.arg(min.map_or_else(|| "-inf".to_owned(), |min| min.to_string()));
                command.arg(max.map_or_else(|| "+inf".to_owned(), |max| max.to_string()));
            }
            Self::Number { key } => {
                // The value may have half a gigabyte; its beginning shows whether it is a number.
                command = cmd("GETRANGE");
                command.arg(key).arg(0).arg(MAX_NUMBER);
            }
            Self::Collection { key, .. } => {
                command = cmd("TYPE");
                command.arg(key);
            }
            Self::Stream { key } => {
                command = cmd("XLEN");
                command.arg(key);
            }
            Self::Group { key, .. } => {
                command = cmd("XINFO");
                command.arg("GROUPS").arg(key);
            }
        }
        command
    }

    /// The first command's name, for messages.
    pub(super) fn command_name(&self) -> &'static str {
        match self {
            Self::List { .. } => "LLEN",
            Self::SortedSet { min: None, max: None, .. } => "ZCARD",
            Self::SortedSet { .. } => "ZCOUNT",
            Self::Number { .. } => "GETRANGE",
            Self::Collection { .. } => "TYPE",
            Self::Stream { .. } => "XLEN",
            Self::Group { .. } => "XINFO GROUPS",
        }
    }

    /// The key, which in a cluster decides who is asked.
    pub(super) fn key(&self) -> &str {
        match self {
            Self::List { key }
            | Self::SortedSet { key, .. }
            | Self::Number { key }
            | Self::Collection { key, .. }
            | Self::Stream { key }
            | Self::Group { key, .. } => key,
        }
    }

    /// The kind of collection that is counted; `None` where only one kind is.
    pub(super) fn seen(&self) -> Option<Kind> {
        match self {
            Self::Collection { seen, .. } => Some(seen.kind()),
            _ => None,
        }
    }

    /// What the key must be, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::List { .. } => "list",
            Self::SortedSet { .. } => "sorted set",
            Self::Number { .. } => "string",
            Self::Collection { .. } => "list, set, hash or sorted set",
            Self::Stream { .. } | Self::Group { .. } => "stream",
        }
    }
}

#[cfg(test)]
mod tests;
