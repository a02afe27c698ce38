//! What was found in a load, for the report: nothing is put right in silence.

use std::time::Duration;

use engine::Time;
use serde::Serialize;

/// What a load is like, and what had to be put right.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Quality {
    /// Moments read.
    pub samples: u64,
    /// Cells that were made of them.
    pub cells: u64,
    /// Seconds from one cell to the next.
    pub step_seconds: f64,
    /// The first moment.
    pub first: Time,
    /// The end of the last cell.
    pub end: Time,
    /// Moments that came twice; the later one counts.
    pub duplicates: u64,
    /// Moments that came after a later one, and were put in order.
    pub disordered: u64,
    /// Moments that came so late that they are left out.
    pub late: u64,
    /// Values that are missing, no finite number, or negative.
    pub unusable: u64,
    /// Stretches without a value.
    pub gaps: u64,
    /// Seconds in them. No reading is there meanwhile, and the demand is taken to stay.
    pub gap_seconds: f64,
    /// Whether every value is the same.
    pub constant: bool,
}

impl Quality {
    /// From one cell to the next.
    pub fn step(&self) -> Duration {
        Duration::from_secs_f64(self.step_seconds)
    }

    /// What a person should know about the load, one sentence each; empty where all is well.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let mut remark = |count: u64, text: &str| {
            if count > 0 {
                remarks.push(format!("{count} {text}"));
            }
        };
        remark(self.duplicates, "moments occur twice; the later value counts");
        remark(self.disordered, "moments were out of order and were sorted");
        remark(self.late, "moments came too late to be sorted and are left out");
        remark(self.unusable, "values are missing, negative or not a finite number, and count as no data");
        if self.gaps > 0 {
            remarks.push(format!(
                "{} gaps, {:.0} s in total: there is no reading in a gap, and the demand is assumed to stay \
                 the same",
                self.gaps, self.gap_seconds
            ));
        }
        if self.constant {
            remarks.push("all values are equal: there is nothing for a rule to follow".to_owned());
        }
        remarks
    }
}
