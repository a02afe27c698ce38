//! Who may write what, by the test's own account.

use super::*;

/// What is so, as the test knows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    pub(super) objects: [Option<Known>; OBJECTS],
    incarnations: [u32; OBJECTS],
    pub(super) hpa: Option<usize>,
    pub(super) leased: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) object: Object,
    /// Who asks the sources and the cluster; another one after each deletion.
    pub(super) who: String,
    created: u32,
    targets: Vec<usize>,
    acts: bool,
    pub(super) draws: bool,
}

impl Truth {
    /// Who may write each target: from the oldest on, whoever gets all of its own.
    pub(super) fn owners(&self) -> [Option<&Known>; 3] {
        let mut order: Vec<(usize, &Known)> = self
            .objects
            .iter()
            .enumerate()
            .filter_map(|(index, known)| Some((index, known.as_ref()?)))
            .filter(|(_, known)| known.acts)
            .collect();
        order.sort_by_key(|(index, known)| (known.created, *index));
        let mut owners = [None; 3];
        for (_, known) in order {
            if known.targets.iter().all(|&target| owners[target].is_none() && self.hpa != Some(target)) {
                known.targets.iter().for_each(|&target| owners[target] = Some(known));
            }
        }
        owners
    }

    /// Who may write `target`.
    pub(super) fn owner(&self, target: usize) -> Option<&str> {
        self.owners()[target].map(|known| known.who.as_str())
    }

    pub(super) fn apply(&mut self, index: usize, shape: &Shape) -> Event {
        let before = self.objects[index].take();
        let (incarnation, created) = match &before {
            Some(known) => (self.incarnations[index], known.created),
            None => (self.incarnations[index] + 1, shape.created),
        };
        self.incarnations[index] = incarnation;
        let who = format!("v{index}x{incarnation}");
        let safety = json!({ "cooldownSeconds": shape.cooldown, "maxScaleUpRate": shape.rate,
                             "maxScaleDownRate": shape.rate });
        let targets = if index < GROUPS { &shape.targets[..1] } else { &shape.targets[..] };
        let name = format!("object{index}");
        let object = if index < GROUPS {
            Object::new(&name).known_as(&who, TARGETS[targets[0]])
        } else {
            group(&name, &who, targets, shape.draws)
        };
        let object = object
            .with("intervalSeconds", shape.interval)
            .with("safety", safety)
            .mode(shape.mode)
            .uid(&who)
            .created(created);
        let event = object.applied();
        let acts = shape.mode == "act";
        let (targets, draws) = (targets.to_vec(), index >= GROUPS && shape.draws);
        self.objects[index] = Some(Known { object, who, created, targets, acts, draws });
        event
    }
}

/// A group that asks for its metric and its members in a way that shows who asks. Unless it draws, it
/// recommends as many of each as the other objects do.
fn group(name: &str, who: &str, targets: &[usize], draws: bool) -> Object {
    let names: Vec<&str> = targets.iter().map(|&target| TARGETS[target]).collect();
    let member = |name: &&str| {
        json!({
            "targetRef": { "apiVersion": format!("apps/{who}"), "name": name },
            "minReplicas": 2, "maxReplicas": 10, "capacity": 500,
        })
    };
    let members: Vec<Value> = names.iter().map(member).collect();
    let group = Object::group(name, &names).with("members", members);
    let group = group.at("/metrics/0/config/url", format!("http://load/{who}"));
    if draws { group.with("policy", json!({ "type": "random" })) } else { group }
}
