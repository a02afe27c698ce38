//! The real operator on a real control plane, which its tests share with others.

mod activity_page;
mod admission;
mod any_target;
mod audit;
mod bad_metrics;
mod bad_queues;
mod call_graph;
mod edits;
mod follows_users;
mod general_scaler;
mod leader;
mod observe;
mod permissions;
mod prometheus;
mod proxy;
mod quiet;
mod safety;
mod scaling_group;
mod scaling_rule;
mod secrets;
mod targets;
mod traces;
mod webhook;
mod webhook_certificate;
