//! `polyscaler coordinate` on a real control plane that has none of our CRDs: the groups file moves
//! the seven Deployments of TeaStore.

mod drives;
mod edits;
mod endings;
mod experiment;
mod store;
mod usage;
