//! What is counted, and the commands that ask for it.

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
    /// The entries of a stream, read by a group or not.
    Stream { key: String },
    /// What a consumer group has not finished.
    Group { key: String, group: String, what: GroupMeasure },
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

impl Measure {
    /// The commands whose replies hold the number, the one that matters first. They only read.
    pub(super) fn commands(&self) -> Vec<Cmd> {
        let mut commands = vec![self.command()];
        if let Self::Group { key, .. } = self {
            let mut length = cmd("XLEN");
            length.arg(key);
            commands.push(length);
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
            | Self::Stream { key }
            | Self::Group { key, .. } => key,
        }
    }

    /// What the key must be, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::List { .. } => "list",
            Self::SortedSet { .. } => "sorted set",
            Self::Number { .. } => "string",
            Self::Stream { .. } | Self::Group { .. } => "stream",
        }
    }
}

#[cfg(test)]
mod tests;
