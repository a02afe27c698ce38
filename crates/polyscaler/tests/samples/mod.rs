//! The sample applications, each as local processes under load: the real operator reads the
//! real server that the sample uses, and the Deployment of the sample's manifest follows.

pub(crate) mod broker;
pub(crate) mod emulator;
mod event_queue;
mod external_policy;
mod http_app;
mod keda_python;
pub(crate) mod programs;
pub(crate) mod python;
mod sample;
mod worker;
