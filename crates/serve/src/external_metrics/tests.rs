//! The listener as its callers meet it: who is let in, and what they are answered.

mod answers;
mod callers;
mod scene;
